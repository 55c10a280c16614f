// What can hold worlds on this machine, for `sekft doctor`: asked, never guessed.

import { SekftError } from "../base/errors.ts";

/** One provider: its version and what else is worth knowing, or why it cannot be used. */
export type ProviderState =
  | { readonly version: string; readonly detail: string }
  | { readonly problem: string };

/** Both providers. */
export interface SandboxState {
  readonly docker: ProviderState;
  readonly bubblewrap: ProviderState;
}

/** Asks the engine, and tries bubblewrap once. */
export async function sandboxState(): Promise<SandboxState> {
  const docker = stateOf(async () => {
    const { connectEngine } = await import("./docker/engine.ts");
    const { imageState } = await import("./docker/image.ts");
    const engine = await connectEngine();
    return { version: engine.version, detail: `${engine.where}, image ${await imageState(engine)}` };
  });
  const bubblewrap = stateOf(async () => {
    const { findPrograms } = await import("./bubblewrap/programs.ts");
    const { bwrap, version } = findPrograms();
    return { version, detail: bwrap };
  });
  return { docker: await docker, bubblewrap: await bubblewrap };
}

async function stateOf(look: () => Promise<ProviderState>): Promise<ProviderState> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SekftError) return { problem: error.message };
    throw error;
  }
}
