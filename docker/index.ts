// The build context of the image, as text, so that the compiled binary carries it.
import absentApplets from "./absent-applets" with { type: "text" };
import dockerfile from "./Dockerfile" with { type: "text" };
import makeUserland from "./make-userland.sh" with { type: "text" };

/** File name -> content. */
export const buildContext: Readonly<Record<string, string>> = {
  Dockerfile: dockerfile,
  "absent-applets": absentApplets,
  "make-userland.sh": makeUserland,
};

/** Applets of busybox that a world must not have, because dash stands for them or because they act on a whole machine. */
export const absent: ReadonlySet<string> = new Set(absentApplets.trim().split("\n"));
