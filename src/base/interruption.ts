// Ctrl-C and SIGTERM while many things run: the first gives them up and leaves what is finished, the second leaves at once.

/** A signal that is given up on Ctrl-C or SIGTERM; give the listener back with `using`. */
export class Interruption implements Disposable {
  private readonly controller = new AbortController();
  private readonly listener = () => {
    if (this.controller.signal.aborted) process.exit(130);
    this.controller.abort();
  };

  constructor() {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, this.listener);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, this.listener);
  }
}
