// Dawn prints warnings about its own limits straight to the process's stderr whenever an adapter is opened; there is no
// switch for them. They mean nothing to a user, so stderr points nowhere for that moment.

import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

const libraries: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

/** Runs `work` with the process's stderr closed to native code; on systems without dup2 it just runs. */
export async function quietly<V>(work: () => Promise<V>): Promise<V> {
  const library = libraries[process.platform];
  if (library === undefined || process.env.SEKFT_DAWN_LOG) return work();
  const { symbols } = dlopen(library, {
    dup: { args: ["i32"], returns: "i32" },
    dup2: { args: ["i32", "i32"], returns: "i32" },
  });
  const stderr = symbols.dup(2);
  const nowhere = openSync("/dev/null", "w");
  symbols.dup2(nowhere, 2);
  try {
    return await work();
  } finally {
    symbols.dup2(stderr, 2);
    closeSync(stderr);
    closeSync(nowhere);
  }
}
