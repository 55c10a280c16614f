// Ctrl-C and SIGTERM: the first asks the run to save and stop, the second leaves at once.

/** Whether somebody asked to stop; give the signals back with `using` or dispose. */
export class Interrupt {
  private asked: NodeJS.Signals | undefined;
  private readonly listener: (signal: NodeJS.Signals) => void;

  constructor(onAsked: () => void) {
    this.listener = (signal) => {
      if (this.asked) process.exit(130);
      this.asked = signal;
      onAsked();
    };
    process.on("SIGINT", this.listener);
    process.on("SIGTERM", this.listener);
  }

  /** The signal, once there was one. Signals arrive only while the program waits for something. */
  get signal(): NodeJS.Signals | undefined {
    return this.asked;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.listener);
    process.off("SIGTERM", this.listener);
  }
}
