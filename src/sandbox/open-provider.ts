// Which provider a run uses: the one that was asked for, or the first of Docker and bubblewrap that works here.

import { UserError } from "../base/errors.ts";
import type { SandboxProvider } from "./contract.ts";
import { limitsOf, type SandboxOptions } from "./sandbox-options.ts";

/** What one attempt came to. */
type Attempt<T> = { readonly made: T } | { readonly problem: UserError };

/** Opens the provider that `options` mean and removes what dead runs left with it. `note` gets one line about a choice that was
 *  made, an image that was built, or leftovers that were removed.
 *  @throws UserError when nothing here can hold a world, with what to do about it */
export async function openProvider(
  options: SandboxOptions,
  note: (line: string) => void,
): Promise<SandboxProvider> {
  const provider = await choose(options, note);
  const removed = await provider.clean();
  if (removed.length > 0) note(`sandbox: removed ${removed.length} leftovers of runs that ended`);
  return provider;
}

async function choose(options: SandboxOptions, note: (line: string) => void): Promise<SandboxProvider> {
  if (options.sandbox === "docker") return await openDocker(options, note);
  if (options.sandbox === "bubblewrap") return await openBubblewrap(options);
  const docker = await attempt(() => openDocker(options, note));
  if ("made" in docker) return docker.made;
  // A named image, or one that was changed, is a wish for Docker: something else in its place would be a surprise.
  if (options.image !== undefined || /^sandbox: expected image/.test(docker.problem.message))
    throw docker.problem;
  const bubblewrap = await attempt(() => openBubblewrap(options));
  if ("made" in bubblewrap) {
    note(`sandbox: bubblewrap, because there is no Docker here (${docker.problem.message})`);
    return bubblewrap.made;
  }
  throw new UserError(
    `sandbox: expected Docker or bubblewrap, got neither: ${docker.problem.message}; ${bubblewrap.problem.message}`,
    {
      hint: "start a Docker engine (Debian: apt-get install docker.io), or apt-get install bubblewrap busybox-static dash",
      cause: docker.problem,
    },
  );
}

async function attempt<T>(open: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { made: await open() };
  } catch (error) {
    if (error instanceof UserError) return { problem: error };
    throw error;
  }
}

async function openDocker(options: SandboxOptions, note: (line: string) => void): Promise<SandboxProvider> {
  const { connectEngine } = await import("./docker/engine.ts");
  const { ensureImage } = await import("./docker/image.ts");
  const { DockerProvider } = await import("./docker/docker-provider.ts");
  const engine = await connectEngine();
  return new DockerProvider(engine, await ensureImage(engine, options.image, note), limitsOf(options));
}

async function openBubblewrap(options: SandboxOptions): Promise<SandboxProvider> {
  const { openBubblewrap: open } = await import("./bubblewrap/provider.ts");
  return open({ limits: limitsOf(options) });
}

/** Removes what dead runs left wherever worlds can be, or in the one place named. Returns what was removed.
 *  @throws UserError when the named place is not there */
export async function cleanWorlds(
  where: string,
  options: { readonly all: boolean; readonly dryRun: boolean },
): Promise<readonly string[]> {
  const docker = async () => {
    const { connectEngine } = await import("./docker/engine.ts");
    const { cleanEngine } = await import("./docker/clean.ts");
    return await cleanEngine(await connectEngine(), options);
  };
  const bubblewrap = async () => {
    const { openBubblewrap: open } = await import("./bubblewrap/provider.ts");
    return await open().clean(options);
  };
  if (where === "docker") return await docker();
  if (where === "bubblewrap") return await bubblewrap();
  const both = [await attempt(docker), await attempt(bubblewrap)];
  return both.flatMap((result) => ("made" in result ? result.made : []));
}
