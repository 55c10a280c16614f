// Loads Dawn's native binding and makes its entry point. The only file that knows where the binding lies.

import { UserError } from "../base/errors.ts";

/** What a `create()` call of the binding gives: a WebGPU entry point. */
export interface DawnEntry {
  readonly wgslLanguageFeatures: ReadonlySet<string>;
  requestAdapter(options?: {
    powerPreference?: "low-power" | "high-performance";
    forceFallbackAdapter?: boolean;
  }): Promise<GPUAdapter | null>;
}

interface DawnBinding {
  create(flags: string[]): DawnEntry;
}

// Each branch names its file literally, so that the bundler embeds the one binding of the target platform and drops the rest.
function loadBinding(): DawnBinding {
  if (process.platform === "linux" && process.arch === "x64")
    return require("../../node_modules/webgpu/dist/linux-x64/dawn.node");
  if (process.platform === "linux" && process.arch === "arm64")
    return require("../../node_modules/webgpu/dist/linux-arm64/dawn.node");
  if (process.platform === "darwin")
    return require("../../node_modules/webgpu/dist/darwin-universal/dawn.node");
  if (process.platform === "win32" && process.arch === "x64")
    return require("../../node_modules/webgpu/dist/win32-x64/dawn.node");
  throw new Error(`no Dawn binding for ${process.platform} ${process.arch}`);
}

// The compiled binary unpacks the binding into the temporary folder, once for all runs, and loads it from there.
function openBinding(): DawnBinding {
  try {
    return loadBinding();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_DLOPEN_FAILED") throw error;
    throw new UserError(
      `Dawn binding: expected a temporary folder with 25 MB of room that programs may run from, got ${(error as Error).message}`,
      { hint: "name another folder in the variable TMPDIR", cause: error },
    );
  }
}

// Entry points must stay referenced for the life of the process: when one is collected, its devices crash.
const entries: DawnEntry[] = [];

/** Makes a WebGPU entry point with Dawn's flags (`enable-dawn-features=a,b`, `backend=null`, ...).
 *  @throws UserError when the compiled binary cannot unpack the binding. */
export function createDawn(flags: string[]): DawnEntry {
  const entry = openBinding().create(flags);
  entries.push(entry);
  return entry;
}
