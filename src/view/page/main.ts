// The page: a bar, one view at a time, keys. Where one is stands behind the # of the address.

import type { RunDetail } from "../shapes.ts";
import { ask } from "./api.ts";
import { fill, h, showHidden } from "./dom.ts";
import { helpDialog } from "./help.ts";
import { runView } from "./run-view.ts";
import { runsView } from "./runs-view.ts";
import { startTheme } from "./theme.ts";
import { trainView } from "./train-view.ts";
import { failure, type View } from "./view.ts";

const crumb = h("span", { class: "crumb" });
const main = h("main", { id: "main", tabindex: -1 });
const help = helpDialog();
const theme = startTheme();
let view: View | undefined;
let visit = 0;

document.body.append(
  h("a", { class: "skip", href: "#main", click: skip }, "to the content"),
  h(
    "header",
    { class: "bar" },
    h(
      "div",
      {},
      h("a", { class: "brand", href: "#/", "aria-label": "sekft view, all runs" }, "sekft view"),
      crumb,
      theme.button,
      h(
        "button",
        { class: "plain", "aria-label": "keys", title: "keys (?)", click: () => help.showModal() },
        "?",
      ),
    ),
  ),
  main,
  help,
);

function skip(event: Event): void {
  event.preventDefault();
  main.focus();
}

async function viewFor(hash: string): Promise<View> {
  const [, ids, tab = ""] = /^#\/run\/([0-9a-f,]+)(?:\/(\w+))?$/.exec(hash) ?? [];
  if (ids === undefined) return runsView();
  const details = await Promise.all(ids.split(",").map((id) => ask<RunDetail>(`runs/${id}`)));
  const training = details.filter(({ summary }) => summary.kind === "train");
  return training.length === details.length ? trainView(details) : runView(details[0]!, tab);
}

async function go(): Promise<void> {
  const own = ++visit;
  let next: View;
  try {
    next = await viewFor(location.hash);
  } catch (error) {
    next = { title: "", element: failure(error) };
  }
  if (own !== visit) {
    next.leave?.();
    return;
  }
  view?.leave?.();
  view = next;
  crumb.textContent = showHidden(next.title);
  document.title = showHidden(next.title === "" ? "sekft view" : `${next.title} · sekft view`);
  fill(main, next.element);
  scrollTo(0, 0);
}

addEventListener("hashchange", () => void go());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const target = event.target as HTMLElement;
  const typing = target.matches("input:not([type=checkbox]), select, textarea");
  if (typing) {
    if (event.key === "Escape") target.blur();
    return;
  }
  // A button, link or tick box that has the focus keeps its own keys.
  if (event.key === "Enter" && target.matches("a, button, summary")) return;
  if (!pressed(event.key)) return;
  event.preventDefault();
});

function pressed(key: string): boolean {
  if (view?.onKey?.(key)) return true;
  if (key === "/" && view?.search) view.search.focus();
  else if (key === "?") help.showModal();
  else if (key === "t") theme.toggle();
  else if (key === "g" || key === "Escape") location.hash = "#/";
  else return false;
  return true;
}

void go();
