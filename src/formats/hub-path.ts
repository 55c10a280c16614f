// Which repository of the Hub a folder of the Hub's cache came from.

/** `org/name` of a path in the cache layout `models--org--name/snapshots/<commit>`, which the Python tools share; undefined for
 *  any other path. */
export function repoOfPath(path: string): string | undefined {
  const cached = /(?:models|datasets)--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]/.exec(path);
  return cached === null ? undefined : `${cached[1]}/${cached[2]}`;
}
