// What the keys do.

import { h } from "./dom.ts";

const keys: readonly (readonly [readonly string[], string])[] = [
  [["j", "k"], "next and previous run, session or row; arrows do the same"],
  [["Enter"], "open the run"],
  [["x"], "choose a training run to overlay"],
  [["o"], "overlay what is chosen"],
  [["/"], "filter or search"],
  [["f"], "only flips: clean in one arm only"],
  [["1", "4"], "parts of an eval or data set"],
  [["l"], "logarithmic loss"],
  [["←", "→"], "along a chart that has the focus"],
  [["t"], "light or dark"],
  [["g", "Esc"], "back to all runs"],
  [["?"], "this list"],
];

/** A dialog with every key. */
export function helpDialog(): HTMLDialogElement {
  const rows = keys.flatMap(([names, does]) => [
    h("dt", {}, ...names.map((name) => h("kbd", {}, name))),
    h("dd", {}, does),
  ]);
  const dialog = h(
    "dialog",
    { "aria-label": "keys" },
    h("h3", {}, "Keys"),
    h("dl", {}, ...rows),
    h(
      "button",
      {
        click: () => {
          dialog.close();
        },
      },
      "close",
    ),
  );
  return dialog;
}
