// Sessions of an eval or of training data: a filtered list beside the sessions themselves.

import { formatBytes, formatCount } from "../../base/format.ts";
import type { EpisodeGroup, EpisodePage, Fragment } from "../shapes.ts";
import { ask, Poll } from "./api.ts";
import { fill, fragment, h } from "./dom.ts";
import { damageNotice, failure } from "./view.ts";
import { VirtualList } from "./virtual-list.ts";

/** The part of a run's page with its sessions. */
export interface EpisodesPart {
  readonly element: HTMLElement;
  readonly search: HTMLElement;
  onKey(key: string): boolean;
  /** Shows one scenario by its name. */
  find(name: string): void;
  leave(): void;
}

/** @param openMask shows the tokens of a row */
export function episodesPart(id: string, openMask: (row: number) => void): EpisodesPart {
  const filter = { arm: "", outcome: "", archetype: "", flips: "", text: "" };
  let question = 0;
  let lastPage: EpisodePage | undefined;
  const right = h(
    "div",
    { class: "right", "aria-live": "polite" },
    h("p", { class: "empty" }, "Choose a session: j and k, or click."),
  );
  const notices = h("div", {});
  const count = h("p", { class: "count", role: "status" });
  const failed = (error: unknown) => fill(notices, failure(error));

  const list = new VirtualList<EpisodeGroup>("sessions", {
    async load(from, size) {
      const asked = question;
      const page = await ask<EpisodePage>(`runs/${id}/episodes`, { ...filter, from, count: size });
      if (asked !== question) return undefined;
      return page.groups;
    },
    draw: (group) => item(group, filter.text),
    open: (group) => open(group).catch(failed),
    failed,
  });

  const open = async (group: EpisodeGroup) => {
    browse.classList.add("open");
    const { html } = await ask<Fragment>(`runs/${id}/episode`, {
      rows: group.rows.map(({ row }) => row).join(","),
    });
    const back = h(
      "button",
      { class: "back", click: () => browse.classList.remove("open") },
      "← all sessions",
    );
    fill(
      right,
      back,
      h("h2", { style: "margin-top:0" }, group.name, " ", h("span", { class: "dim" }, group.archetype)),
      fragment(html),
    );
    highlight(right, filter.text);
    for (const link of right.querySelectorAll<HTMLElement>("[data-mask]"))
      link.addEventListener("click", (event) => {
        event.preventDefault();
        openMask(Number(link.dataset.mask));
      });
  };

  const changed = () => {
    question++;
    list.reset();
    void poll.run();
  };
  const choice = (name: "arm" | "outcome" | "archetype", all: string) => {
    const select = h(
      "select",
      {
        "aria-label": name,
        change: () => {
          filter[name] = select.value;
          changed();
        },
      },
      h("option", { value: "" }, all),
    );
    return select;
  };
  const selects = {
    arm: choice("arm", "all arms"),
    outcome: choice("outcome", "all outcomes"),
    archetype: choice("archetype", "all archetypes"),
  };
  const flips = h(
    "button",
    {
      "aria-pressed": "false",
      title: "clean in one arm only (f)",
      click: () => {
        filter.flips = filter.flips === "" ? "1" : "";
        flips.setAttribute("aria-pressed", String(filter.flips !== ""));
        changed();
      },
    },
    "flips",
  );
  let typing: ReturnType<typeof setTimeout> | undefined;
  const search = h("input", {
    type: "search",
    class: "all",
    placeholder: "search in every session",
    "aria-label": "search in every session",
    input: () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        filter.text = search.value.trim();
        changed();
      }, 200);
    },
  });

  const browse = h(
    "div",
    { class: "browse" },
    h(
      "div",
      { class: "left" },
      h("div", { class: "filters" }, search, selects.arm, selects.outcome, selects.archetype, flips),
      count,
      list.element,
    ),
    right,
  );

  const poll = new Poll(async () => {
    const asked = question;
    try {
      const page = await ask<EpisodePage>(`runs/${id}/episodes`, { ...filter, from: 0, count: 60 });
      if (asked !== question) return 0;
      show(page);
      const searching = page.searched !== undefined && page.searched < page.index.rows;
      return searching ? 0 : page.index.done ? 2500 : 250;
    } catch (error) {
      failed(error);
      return 3000;
    }
  });

  const show = (page: EpisodePage) => {
    const before = lastPage;
    lastPage = page;
    if (before === undefined || before.index.rows !== page.index.rows) drawFacets(page);
    flips.hidden = page.facets.arms.length < 2;
    flips.textContent = `flips ${formatCount(page.flips)}`;
    const { index } = page;
    const reading = index.done
      ? ""
      : ` · reading ${formatBytes(index.bytesRead)} of ${formatBytes(index.bytes)}`;
    const searching =
      page.searched !== undefined && page.searched < index.rows
        ? ` · searched ${Math.floor((100 * page.searched) / index.rows)} %`
        : "";
    const torn =
      index.done && index.tornBytes > 0
        ? ` · the last line is not whole (${formatBytes(index.tornBytes)})`
        : "";
    const of = page.matched === page.total ? "" : ` of ${formatCount(page.total)}`;
    const text = `${formatCount(page.matched)}${of} ${page.total === 1 ? "session" : "sessions"}${reading}${searching}${torn}`;
    if (count.textContent !== text) count.textContent = text;
    fill(notices, damageNotice(index.damage, index.damaged - index.damage.length));
    const same =
      before !== undefined &&
      before.matched === page.matched &&
      before.index.rows === index.rows &&
      before.searched === page.searched;
    if (!same || JSON.stringify(before.groups) !== JSON.stringify(page.groups)) {
      // Matches of a search grow in the middle of the list.
      if (page.searched !== undefined || page.matched < (before?.matched ?? 0)) list.reset(true);
      list.put(0, page.groups);
    }
    list.resize(page.matched);
  };

  const drawFacets = (page: EpisodePage) => {
    for (const [name, select] of Object.entries(selects) as [
      "arm" | "outcome" | "archetype",
      HTMLSelectElement,
    ][]) {
      const all = select.options[0]!;
      const values = page.facets[`${name}s`].map(([value, n]) =>
        h("option", { value }, `${value} (${formatCount(n)})`),
      );
      select.replaceChildren(all, ...values);
      select.value = filter[name];
      select.hidden = values.length < 2;
    }
  };

  return {
    element: h("div", {}, notices, browse),
    search,
    leave: () => {
      poll.end();
      highlight(right, "");
    },
    find(name) {
      search.value = name;
      filter.text = name;
      changed();
      setTimeout(() => list.select(0), 400);
    },
    onKey(key) {
      if (key === "j" || key === "ArrowDown") list.move(1);
      else if (key === "k" || key === "ArrowUp") list.move(-1);
      else if (key === "f" && !flips.hidden) flips.click();
      else if (
        key === "Escape" &&
        browse.classList.contains("open") &&
        getComputedStyle(right.querySelector(".back") ?? right).display !== "none"
      )
        browse.classList.remove("open");
      else return false;
      return true;
    },
  };
}

function item(group: EpisodeGroup, text: string): HTMLElement {
  const steps = group.rows.map(({ steps: n }) => n).join("/");
  const chips = group.rows
    .slice(0, 6)
    .flatMap(({ arm, outcome, tone }) => [
      h("span", { class: "dim" }, `${arm} `),
      h("span", { class: `chip ${tone}` }, outcome),
      " ",
    ]);
  return h(
    "div",
    { class: "item" },
    h(
      "div",
      { class: "t" },
      h("b", { title: group.name }, group.name),
      h("span", {}, `${group.archetype} · ${steps}`),
    ),
    h(
      "div",
      { class: "c" },
      ...(group.snippet === undefined ? chips : marked(group.snippet.replace(/\s+/g, " "), text)),
    ),
  );
}

/** A snippet with the searched words marked. */
function marked(snippet: string, text: string): (Node | string)[] {
  const at = snippet.toLowerCase().indexOf(text.toLowerCase());
  if (at < 0 || text === "") return [snippet];
  return [
    snippet.slice(0, at),
    h("mark", {}, snippet.slice(at, at + text.length)),
    snippet.slice(at + text.length),
  ];
}

/** Marks what was searched for without touching the text (CSS Custom Highlight API, where there is one). */
function highlight(root: HTMLElement, text: string): void {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("found");
  if (text === "") return;
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && ranges.length < 2000; node = walker.nextNode()) {
    const words = node.nodeValue!.toLowerCase();
    for (
      let at = words.indexOf(text.toLowerCase());
      at >= 0;
      at = words.indexOf(text.toLowerCase(), at + text.length)
    ) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
  ranges[0]?.startContainer.parentElement?.scrollIntoView({ block: "center" });
}
