// What Ctrl-C and SIGTERM do when no command minds: end with 130, at once.

/** Ends the process with 130 on SIGINT or SIGTERM, unless a command listens for the signal itself. Such a command saves
 *  what is worth keeping, throws {@link Interrupted}, and takes its listener away when it is done. */
export function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(130);
    });
}
