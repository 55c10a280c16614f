// A world's operator owns /etc. What programs load must not be chosen there: a library named in /etc/ld.so.preload runs inside
// the checker's shell and can end it with status 0.

/** Paths that the C library and its loader (glibc's ld.so(8) and nsswitch.conf(5), musl's ld.so) take libraries from. */
const CONFIGURED = ["/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/ld-musl-"];

/** `program` with those paths moved from /etc, which the operator writes, to /bin, which nobody writes and where they do not exist.
 *  Both names are equally long, so nothing else of the file changes. Works for programs, libraries and loaders. */
export function withoutLoaderPaths(program: Uint8Array): Buffer {
  const moved = Buffer.from(program);
  for (const path of CONFIGURED)
    for (let at = moved.indexOf(path); at >= 0; at = moved.indexOf(path, at + 1))
      moved.write("/bin", at, "latin1");
  return moved;
}
