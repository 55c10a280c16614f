// An eval, a rollout or a data set: its numbers, its sessions, its masks, how it was made.

import { formatCount } from "../../base/format.ts";
import type { BaseChoice, Fragment, RunDetail } from "../shapes.ts";
import { ask, Poll } from "./api.ts";
import { fill, fragment, h } from "./dom.ts";
import { episodesPart } from "./episodes-view.ts";
import { maskPart } from "./mask-view.ts";
import { type Statistics, statisticsElement } from "./statistics-view.ts";
import { agoWords, damageNotice, factsTable, failure, stateBadge, type View } from "./view.ts";

type Tab = "numbers" | "sessions" | "mask" | "manifest";

export function runView(detail: RunDetail, wanted: string): View {
  const { summary } = detail;
  const { id, kind } = summary;
  const tabs = (
    [
      ["numbers", kind === "eval" ? "Numbers" : "Statistics"],
      ["sessions", "Sessions"],
      ["mask", "Mask"],
      ["manifest", "Manifest"],
    ] as const
  ).filter(([tab]) =>
    tab === "manifest" ? detail.manifest !== null : tab === "numbers" || detail.hasEpisodes,
  );
  const body = h("div", { role: "tabpanel" });
  const bar = h("div", { class: "tabs", role: "tablist" });
  let tab: Tab = tabs.some(([one]) => one === wanted)
    ? (wanted as Tab)
    : kind === "eval" || !detail.hasEpisodes
      ? "numbers"
      : "sessions";
  let poll: Poll | undefined;
  const mask = maskPart(id);
  const sessions = detail.hasEpisodes
    ? episodesPart(id, (row) => {
        mask.show(row);
        open("mask");
      })
    : undefined;

  const open = (next: Tab) => {
    tab = next;
    history.replaceState(null, "", `#/run/${id}/${next}`);
    poll?.end();
    poll = undefined;
    fill(
      bar,
      ...tabs.map(([one, words]) =>
        h("button", { role: "tab", "aria-selected": String(one === tab), click: () => open(one) }, words),
      ),
    );
    if (tab === "sessions" && sessions) fill(body, sessions.element);
    else if (tab === "mask") {
      fill(body, mask.element);
      mask.open();
    } else if (tab === "manifest") fill(body, h("section", { class: "panel" }, factsTable(detail.manifest)));
    else if (kind === "eval") poll = followEval();
    else countData();
  };

  let lastHtml = "";
  const followEval = () =>
    new Poll(async () => {
      try {
        const { html } = await ask<Fragment>(`runs/${id}/eval`);
        if (html !== lastHtml || body.childElementCount === 0 || !body.querySelector(".charts")) {
          fill(body, fragment(html));
          for (const link of body.querySelectorAll<HTMLElement>("[data-episode]"))
            link.addEventListener("click", (event) => {
              event.preventDefault();
              open("sessions");
              sessions?.find(link.dataset.episode!.replace(/#\d+$/, ""));
            });
        }
        lastHtml = html;
        return summary.state === "live" ? 3000 : undefined;
      } catch (error) {
        fill(body, failure(error));
        return 4000;
      }
    });

  const countData = () => {
    fill(body, h("p", { class: "dim" }, "counting …"));
    const bases = ask<BaseChoice[]>(`runs/${id}/bases`);
    bases
      .then((found) => ask<Statistics>(`runs/${id}/statistics`, { base: found[0]?.id ?? "" }))
      .then((statistics) => {
        if (tab === "numbers") fill(body, statisticsElement(statistics));
      })
      .catch((error) => {
        if (tab === "numbers") fill(body, failure(error));
      });
  };

  const figures = [
    ...summary.arms.map(
      ({ name, x, n }) =>
        [kind === "eval" ? `clean, ${name}` : name, `${formatCount(x)}/${formatCount(n)}`] as const,
    ),
    ...summary.figures,
  ];
  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "row" },
      h("h1", {}, summary.name),
      stateBadge(summary.state),
      h("span", { class: "kind" }, kind),
    ),
    h("div", { class: "dim mono" }, `${summary.path} · ${agoWords(summary.changed)}`),
    h(
      "div",
      { class: "figures", style: "margin-top:.5rem" },
      ...figures.map(([name, value]) => h("span", {}, h("span", {}, `${name} `), value)),
    ),
    damageNotice(summary.damage),
    bar,
    body,
  );
  open(tab);
  return {
    title: summary.name,
    element,
    ...(sessions && { search: sessions.search }),
    leave() {
      poll?.end();
      sessions?.leave();
    },
    onKey(key) {
      const number = Number(key);
      const chosen = tabs[number - 1];
      if (chosen) {
        open(chosen[0]);
        return true;
      }
      if (key === "/" && sessions && tab !== "sessions") {
        open("sessions");
        return false;
      }
      if (tab === "mask") return mask.onKey(key);
      return tab === "sessions" ? (sessions?.onKey(key) ?? false) : false;
    },
  };
}
