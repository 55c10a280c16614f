// A tar archive as text: fixtures are UTF-8, and so is an archive of ASCII files.

/** Packs files as POSIX.1-1988 ustar, which BusyBox and GNU tar read. */
export function packTar(files: readonly { readonly name: string; readonly content: string }[]): string {
  const blocks = files.map(
    ({ name, content }) => header(name, content.length) + content + padding(content.length),
  );
  return `${blocks.join("")}${"\0".repeat(1024)}`;
}

const padding = (length: number): string => "\0".repeat((512 - (length % 512)) % 512);

function header(name: string, size: number): string {
  const field = (value: string, width: number): string => value.padEnd(width, "\0");
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  const build = (checksum: string): string =>
    (
      field(name, 100) +
      octal(0o644, 8) +
      octal(1000, 8) +
      octal(1000, 8) +
      octal(size, 12) +
      octal(1_763_000_000, 12) +
      checksum +
      "0" +
      field("", 100) +
      "ustar\x0000" +
      field("", 32 + 32 + 8 + 8 + 155)
    ).padEnd(512, "\0");
  const sum = Buffer.from(build(" ".repeat(8))).reduce((total, byte) => total + byte, 0);
  return build(`${sum.toString(8).padStart(6, "0")}\0 `);
}
