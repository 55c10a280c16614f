// Whether this machine can make bubblewrap worlds, tried once; and a world to try things in.

import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import type { Sandbox, SandboxLimits, SandboxProvider, World } from "../../src/sandbox/contract.ts";

/** Home of the operator of `plainWorld`. */
export const HOME = `/home/${"alice"}`;

/** A world with one fixture, a provider program and a message of the day. */
export const plainWorld: World = {
  id: "plain",
  user: "alice",
  host: "sek",
  dirs: [{ path: "/srv/real" }, { path: "/srv/closed", mode: "0000" }],
  fixtures: [
    { path: `${HOME}/notes.txt`, content: "one\n" },
    { path: "/etc/motd", content: "Run desk.\n" },
  ],
  env: {},
  provider: { path: "/usr/local/bin/desk", script: "#!/bin/sh\necho do it\n" },
  announcement: { kind: "motd", login: "Run desk." },
};

/** Prints how many processes run that the shell may look at: 1 when it is alone, for what is dead has no program any more. */
export const ALONE = "n=0; for p in /proc/[0-9]*; do [ -e $p/exe ] && n=$((n+1)); done; echo $n";

async function tryOnce(): Promise<boolean> {
  try {
    await using provider = openBubblewrap();
    await using sandbox = await provider.open(plainWorld);
    return (await sandbox.run("true")).status === 0;
  } catch {
    return false;
  }
}

/** For `need("bubblewrap", ...)`. */
export const hasBubblewrap: boolean = await tryOnce();

/** Runs `use` with a world, which is gone afterwards. */
export async function inWorld<T>(
  use: (sandbox: Sandbox, provider: SandboxProvider) => Promise<T>,
  limits: Partial<SandboxLimits> = {},
  world: World = plainWorld,
): Promise<T> {
  await using provider = openBubblewrap({ limits });
  await using sandbox = await provider.open(world);
  return await use(sandbox, provider);
}
