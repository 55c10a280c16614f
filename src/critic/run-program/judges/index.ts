// The programs that run inside a sandbox beside a candidate, as text, so that the compiled binary carries them.

import javascript from "./javascript-judge.cjs" with { type: "text" };
import pythonCandidate from "./python-candidate.py" with { type: "text" };
import python from "./python-judge.py" with { type: "text" };

/** Runs tests over a Python candidate; its stdin is a JSON order that holds `pythonCandidate` as `server`. */
export const pythonJudge: string = python;
/** The candidate's side of `pythonJudge`. */
export const pythonServer: string = pythonCandidate;
/** Runs tests over a JavaScript candidate. */
export const javascriptJudge: string = javascript;
