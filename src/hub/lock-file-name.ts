// A file of its own, so that --help need not load the Hub's code.

/** Name of the lock file in the folder of a project. */
export const lockFileName = "sekft.lock";
