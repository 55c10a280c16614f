// The image of the worlds: found by its tag, held against what was built before, and built when it is missing.

import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buildContext } from "../../../docker/index.ts";
import { writeFileAtomic } from "../../base/atomic.ts";
import { UserError } from "../../base/errors.ts";
import { FIXTURE_MTIME } from "../contract.ts";
import { ask, type Engine } from "./engine.ts";
import { isImageMissing } from "./engine-failure.ts";
import { writeTar } from "./tar.ts";
import { makeTwin } from "./twin.ts";

const DEFAULT_TAG = "sekft-sandbox:latest";

/** A built image. */
export interface BuiltImage {
  readonly tag: string;
  /** `sha256:...` */
  readonly id: string;
  readonly kind: "alpine" | "offline twin";
}

const BUILD_MS = 600_000;

/** Builds the image and records its id. `say` gets one line per step of an online build.
 *  @throws UserError when the build fails */
export async function buildImage(
  engine: Engine,
  options: { readonly offline: boolean; readonly tag?: string; readonly say?: (line: string) => void },
): Promise<BuiltImage> {
  const tag = options.tag ?? DEFAULT_TAG;
  if (options.offline) await loadTwin(engine, tag);
  else await buildFromAlpine(engine, tag, options.say ?? (() => {}));
  const id = await imageId(engine, tag);
  if (id === undefined)
    throw new UserError(`sandbox build: expected an image ${tag}, got none from the engine`);
  record(engine, tag, id);
  return { tag, id, kind: options.offline ? "offline twin" : "alpine" };
}

async function loadTwin({ docker }: Engine, tag: string): Promise<void> {
  const stream = await ask(
    "sandbox build",
    () => docker.loadImage(Readable.from([makeTwin(tag).archive]), { quiet: true }),
    BUILD_MS,
  );
  await readSteps(stream, () => {});
}

async function buildFromAlpine({ docker }: Engine, tag: string, say: (line: string) => void): Promise<void> {
  const files = Object.entries(buildContext).map(([path, text]) => ({
    path,
    type: "file" as const,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: FIXTURE_MTIME,
    content: Buffer.from(text),
  }));
  const context = Readable.from([writeTar(files)]);
  const stream = await ask(
    "sandbox build",
    () => docker.buildImage(context, { t: tag, forcerm: true, rm: true }),
    BUILD_MS,
  );
  await readSteps(stream, say);
}

/** Follows a build to its end. @throws UserError with what the engine says */
async function readSteps(stream: NodeJS.ReadableStream, say: (line: string) => void): Promise<void> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  for (const line of text.split("\n")) {
    let step: { stream?: string; error?: string } = {};
    try {
      step = JSON.parse(line);
    } catch {
      continue;
    }
    if (step.error !== undefined)
      throw new UserError(`sandbox build: expected the engine to build the image, got ${step.error.trim()}`, {
        hint: "without a registry build the twin from this machine's programs: sekft sandbox build --offline",
      });
    if (step.stream?.trim()) say(step.stream.trim());
  }
}

/** Id of the image that `reference` (tag or id) names; undefined when the engine has none. */
export async function imageId({ docker }: Engine, reference: string): Promise<string | undefined> {
  try {
    const { Id } = await ask("docker", () => docker.getImage(reference).inspect());
    return Id;
  } catch (error) {
    if (isImageMissing((error as Error).cause ?? error)) return undefined;
    throw error;
  }
}

/** Id of the image to use. The default image is built when there is none: from Alpine if a registry answers, or else its twin.
 *  `note` gets one line when that happens.
 *  @throws UserError when a named image is missing, or the image is not the one that was built here */
export async function ensureImage(
  engine: Engine,
  wanted: string | undefined,
  note: (line: string) => void,
): Promise<string> {
  const reference = wanted ?? DEFAULT_TAG;
  const id = await imageId(engine, reference);
  if (id === undefined) {
    if (wanted !== undefined)
      throw new UserError(`--image: expected an image that the engine has, got ${wanted}`, {
        hint: `sekft sandbox build --tag ${wanted}`,
      });
    return await buildMissing(engine, note);
  }
  const known = recorded(engine, reference);
  if (known !== undefined && known !== id)
    throw new UserError(
      `sandbox: expected image ${reference} to be ${known}, got ${id}: it was changed since it was built`,
      {
        hint: `sekft sandbox build makes it again; --image ${id} uses it as it is`,
      },
    );
  return id;
}

async function buildMissing(engine: Engine, note: (line: string) => void): Promise<string> {
  // The twin first: it takes a second and needs no network. What it is made of may be missing.
  try {
    const twin = await buildImage(engine, { offline: true });
    note(`sandbox: built the image ${twin.tag} from this machine's busybox and dash (${twin.id})`);
    return twin.id;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const image = await buildImage(engine, { offline: false });
    note(`sandbox: built the image ${image.tag} from docker/Dockerfile (${image.id})`);
    return image.id;
  }
}

/** State of the image, for `sekft doctor`. */
export async function imageState(
  engine: Engine,
): Promise<"ready" | "not built" | "changed since it was built"> {
  const id = await imageId(engine, DEFAULT_TAG);
  if (id === undefined) return "not built";
  const known = recorded(engine, DEFAULT_TAG);
  return known === undefined || known === id ? "ready" : "changed since it was built";
}

function recordFile(): string {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return join(state, "sekft", "sandbox-images.json");
}

/** Engine id -> tag -> image id. */
function readRecord(): Record<string, Record<string, string>> {
  try {
    return JSON.parse(readFileSync(recordFile(), "utf8"));
  } catch {
    // None yet, or not one of ours: then nothing is known.
    return {};
  }
}

function recorded(engine: Engine, tag: string): string | undefined {
  return readRecord()[engine.info.ID]?.[tag];
}

function record(engine: Engine, tag: string, id: string): void {
  const all = readRecord();
  all[engine.info.ID] = { ...all[engine.info.ID], [tag]: id };
  mkdirSync(dirname(recordFile()), { recursive: true });
  writeFileAtomic(recordFile(), `${JSON.stringify(all, null, 1)}\n`);
}
