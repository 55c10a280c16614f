// /etc/passwd and /etc/group, which the container runtime opens before it starts anything: an operator who puts a FIFO in the place
// of one keeps every further command from starting. That is the operator's doing, and no failure of the machinery.

import type { Container } from "dockerode";
import { ask } from "./engine.ts";

/** Bits of Go's os.FileMode that say "no plain file and no symbolic link": directory, pipe, socket, device. */
const NOT_A_FILE = 2 ** 31 + 2 ** 26 + 2 ** 25 + 2 ** 24 + 2 ** 21;

/** The account file that is none any more, or undefined.
 *  @throws InfrastructureError when the engine does not tell */
export async function spoiledAccountFile(container: Container): Promise<string | undefined> {
  for (const path of ["/etc/passwd", "/etc/group"]) {
    const answer = (await ask("docker stat", () => container.infoArchive({ path })).catch(() => undefined)) as
      | { readonly headers: Readonly<Record<string, string | undefined>> }
      | undefined;
    const stat = answer?.headers["x-docker-container-path-stat"];
    if (stat === undefined) continue;
    const { mode } = JSON.parse(Buffer.from(stat, "base64").toString()) as { readonly mode: number };
    if (Number(BigInt(mode) & BigInt(NOT_A_FILE)) !== 0) return path;
  }
  return undefined;
}
