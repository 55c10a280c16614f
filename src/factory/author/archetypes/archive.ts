// tar and gzip: packing, listing, unpacking, with what BusyBox has.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { absent, holds, listing, text } from "../sh.ts";
import { packTar } from "../tar.ts";
import { steps, type Work } from "../work.ts";

/** One of five kinds of work on archives. */
export function archive(seat: Seat): Work {
  return seat.rng.pick([pack, pack, compress, list, unpack, unpackOne])(seat);
}

/** Files of a directory as a .tar or .tar.gz. */
function pack(seat: Seat): Work {
  const { rng } = seat;
  const parent = seat.place();
  const folder = seat.word();
  const names = seat
    .take(rng.int(2, 2 + seat.difficulty))
    .map((word, i) => `${i === 2 ? "more/" : ""}${word}.txt`);
  const files = names.map((name) => ({
    path: `${parent}/${folder}/${name}`,
    content: text(proseLines(rng, 1, 3)),
  }));
  const gzip = rng.chance(0.6);
  const path = `${rng.pick([seat.home, parent, "/srv"])}/${seat.word()}.${gzip ? rng.pick(["tar.gz", "tgz"]) : "tar"}`;
  const out = seat.spelled(path);
  const shown = seat.spelled(`${parent}/${folder}`);
  const what = gzip ? "a gzip-compressed tar archive" : "a tar archive without compression";
  const z = gzip ? "z" : "";
  const opened = gzip ? `gzip -dc ${path} 2>/dev/null` : `cat ${path}`;
  const member = (name: string, content: string): string =>
    `[ "$(${opened} | tar xOf - ${folder}/${name} 2>/dev/null || ${opened} | tar xOf - ./${folder}/${name} 2>/dev/null)" = '${content.trimEnd()}' ]`;
  const want = names
    .map((name) => `${folder}/${name}`)
    .sort()
    .join(" ");
  return {
    variant: gzip ? "pack_gzip" : "pack",
    directive: rng.pick([
      `Pack the directory ${shown} into ${out}, ${what}. The names in it must begin with ${folder}/. Leave the directory as it is.`,
      `${out} must be ${what} of ${shown}, in which every name begins with ${folder}/. Keep the files.`,
      `Make ${what} of ${shown}: ${out}, packed from ${parent} so that its entries are ${folder}/... The originals stay.`,
    ]),
    dirs: [],
    fixtures: files,
    checks: [
      `[ "$(${opened} | tar tf - 2>/dev/null | grep -v '/$' | sed 's|^[.]/||' | sort | tr '\\n' ' ')" = '${want} ' ]`,
      ...files.map(({ content }, i) => member(names[i]!, content)),
      ...files.map(({ path: file, content }) => holds(file, content)),
    ],
    solutions: [
      steps(
        `? ls -R ${parent}/${folder}`,
        `tar c${z}f ${path} -C ${parent} ${folder}`,
        `= tar t${z}f ${path}`,
      ),
      steps(`cd ${parent}`, `tar -c${z} -f ${path} ${folder}`, `= tar -t${z} -f ${path}`),
      gzip
        ? steps(`tar cf - -C ${parent} ${folder} | gzip > ${path}`, `= gzip -dc ${path} | tar tf -`)
        : steps(`(cd ${parent} && tar cf - ${folder}) > ${path}`, `= tar tf ${path}`),
    ],
    look: [`ls ${parent}`, `ls -R ${parent}/${folder}`],
    verify: [`ls -l ${path}`, `tar t${z}f ${path}`],
    slips: [`tar tf ${path}`, `tar cf ${path} -C ${parent}s ${folder}`],
    terminal: "exit",
  };
}

/** One file compressed, kept or not. */
function compress(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const name = `${seat.word()}.${rng.pick(["log", "txt", "csv"])}`;
  const path = `${directory}/${name}`;
  const content = text(
    Array.from(
      { length: rng.int(6, 20) },
      (_, i) => `${i} ${seat.rng.pick(["up", "down", "idle"])} ${rng.int(1, 99)}`,
    ),
  );
  const keep = rng.chance(0.5);
  const shown = seat.spelled(path);
  return {
    variant: keep ? "gzip_keep" : "gzip",
    directive: keep
      ? rng.pick([
          `Compress ${shown} with gzip to ${shown}.gz and keep the original as it is.`,
          `${shown}.gz must be the gzip-compressed form of ${shown}; the file itself stays.`,
        ])
      : rng.pick([
          `Compress ${shown} with gzip: only ${shown}.gz remains, the plain file is gone.`,
          `Replace ${shown} by its gzip-compressed form ${shown}.gz; no plain copy may be left in the directory.`,
        ]),
    dirs: [],
    fixtures: [{ path, content }],
    checks: [
      `[ "$(gzip -dc ${path}.gz 2>/dev/null)" = '${content.trimEnd()}' ]`,
      keep ? holds(path, content) : absent(path),
    ],
    solutions: keep
      ? [
          steps(`gzip -c ${path} > ${path}.gz`, `= ls -l ${directory}`),
          steps(`? ls -l ${path}`, `gzip < ${path} > ${path}.gz`, `= gzip -dc ${path}.gz | head -n 2`),
          steps(`cd ${directory}`, `cat ${name} | gzip > ${name}.gz`, "= ls"),
        ]
      : [
          steps(`gzip ${path}`, `= ls -l ${directory}`),
          steps(`cd ${directory}`, `gzip ${name}`, "= ls"),
          steps(`? ls -l ${path}`, `gzip -c ${path} > ${path}.gz`, `rm ${path}`, `= ls ${directory}`),
        ],
    look: [`ls -l ${directory}`, `head -n 2 ${path}`],
    verify: [`ls -l ${directory}`, `gzip -dc ${path}.gz | head -n 2`],
    slips: [`gzip -dc ${path}.gz`, `gzip ${path}s`],
    terminal: "exit",
  };
}

interface Packed {
  readonly path: string;
  readonly files: readonly { readonly name: string; readonly content: string }[];
  readonly body: string;
}

function packed(seat: Seat): Packed {
  const { rng } = seat;
  const folder = rng.chance(0.5) ? `${seat.word()}/` : "";
  const files = seat
    .take(rng.int(2, 3))
    .map((word) => ({ name: `${folder}${word}.txt`, content: text(proseLines(rng, 1, 2)) }));
  return { path: `${seat.place()}/${seat.word()}.tar`, files, body: packTar(files) };
}

/** The names in an archive. */
function list(seat: Seat): Work {
  const { rng } = seat;
  const { path, files, body } = packed(seat);
  const result = `${seat.home}/${seat.word()}.${rng.pick(["list", "names", "txt"])}`;
  const out = seat.spelled(result);
  const names = files.map(({ name }) => name).sort();
  const shown = seat.spelled(path);
  return {
    variant: "list",
    directive: rng.pick([
      `Write the names of the files in the archive ${shown} to ${out}, sorted, one a line. Do not change the archive.`,
      `What is in ${shown}? List the names of its files in ${out}, one a line, in alphabetical order; leave the archive as it is.`,
    ]),
    dirs: [],
    fixtures: [{ path, content: body }],
    checks: [holds(result, text(names)), unchanged(path, names)],
    solutions: [
      steps(`? tar tf ${path}`, `tar tf ${path} | sort > ${out}`, `= cat ${out}`),
      steps(`tar -t -f ${path} > /tmp/names`, `sort /tmp/names > ${out}`, `= cat ${out}`),
      steps(`? tar tvf ${path}`, `printf '%s\\n' ${names.join(" ")} > ${out}`, `= cat ${out}`),
    ],
    look: [`ls -l ${path}`, `tar tf ${path}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `tar tf ${path}.gz`],
    terminal: "exit",
  };
}

const unchanged = (path: string, names: readonly string[]): string =>
  `[ "$(tar tf ${path} 2>/dev/null | sort | tr '\\n' ' ')" = '${names.join(" ")} ' ]`;

/** A whole archive unpacked into a directory. */
function unpack(seat: Seat): Work {
  const { rng } = seat;
  const { path, files, body } = packed(seat);
  const to = seat.place();
  const shown = seat.spelled(path);
  return {
    variant: "unpack",
    directive: rng.pick([
      `Unpack the archive ${shown} into the directory ${to}, which must hold its files and nothing else. Keep the archive.`,
      `Extract everything from ${shown} below ${to} (make that directory; nothing else may be in it). The archive stays.`,
    ]),
    dirs: [],
    fixtures: [{ path, content: body }],
    checks: [
      ...files.map(({ name, content }) => holds(`${to}/${name}`, content)),
      listing(
        to,
        files.map(({ name }) => name),
      ),
      unchanged(path, files.map(({ name }) => name).sort()),
    ],
    solutions: [
      steps(`mkdir -p ${to}`, `tar xf ${path} -C ${to}`, `= find ${to} -type f`),
      steps(`? tar tf ${path}`, `mkdir -p ${to} && cd ${to}`, `tar xf ${path}`, "= ls -R"),
      steps(`mkdir -p ${to}`, `cat ${path} | tar x -C ${to}`, `= ls -R ${to}`),
    ],
    look: [`tar tf ${path}`, `ls -l ${path}`],
    verify: [`find ${to} -type f`, `ls -R ${to}`],
    slips: [`ls ${to}`, `tar xf ${path} -C ${to}`],
    terminal: "exit",
  };
}

/** One file out of an archive. */
function unpackOne(seat: Seat): Work {
  const { rng } = seat;
  const { path, files, body } = packed(seat);
  const file = rng.pick(files);
  const target = `${seat.home}/${seat.word()}.txt`;
  const out = seat.spelled(target);
  const shown = seat.spelled(path);
  const base = file.name.split("/").at(-1)!;
  return {
    variant: "unpack_one",
    directive: rng.pick([
      `The archive ${shown} holds a file ${file.name}. Write its content to ${out}; keep the archive.`,
      `Take ${file.name} out of ${shown}: its content must be in ${out}. Do not change the archive.`,
    ]),
    dirs: [],
    fixtures: [{ path, content: body }],
    checks: [holds(target, file.content), unchanged(path, files.map(({ name }) => name).sort())],
    solutions: [
      steps(`? tar tf ${path}`, `tar xOf ${path} ${file.name} > ${out}`, `= cat ${out}`),
      steps(`mkdir /tmp/x && cd /tmp/x && tar xf ${path}`, `cp ${file.name} ${target}`, `= cat ${out}`),
      steps(`cd /tmp && tar xf ${path} ${file.name}`, `mv ${file.name} ${target}`, `= cat ${out}`),
    ],
    look: [`tar tf ${path}`, `ls -l ${path}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `tar xOf ${path} ${base}.gz`],
    terminal: "exit",
  };
}
