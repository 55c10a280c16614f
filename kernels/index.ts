// Every kernel by name, as text, so that the compiled binary carries them. One line a file, in alphabetical order.
import convert from "./convert.wgsl" with { type: "text" };
import matmul_software from "./matmul_software.wgsl" with { type: "text" };

/** Kernel sources by name; the name is the file's and the entry point's. */
export const kernels: Readonly<Record<string, string>> = { convert, matmul_software };

/** Shared functions, appended whole by `// include: name`. */
export const library: Readonly<Record<string, string>> = {};
