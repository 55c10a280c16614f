// A list of any length of which only what is seen exists. Items come in pages, asked for as they scroll into view.

import { h } from "./dom.ts";

const HEIGHT = 64;
const PAGE = 60;
/** Browsers lose precision in taller elements. */
const TALLEST = 8_000_000;

/** A scrolled box of items of one height. */
export class VirtualList<T> {
  readonly element: HTMLElement;
  private readonly space = h("div", { class: "space" });
  private pages = new Map<number, readonly T[]>();
  private asked = new Set<number>();
  private total = 0;
  private at = -1;

  constructor(
    label: string,
    private readonly parts: {
      /** Items from `from` on; undefined when the answer is no longer wanted. */
      load(from: number, count: number): Promise<readonly T[] | undefined>;
      draw(item: T, index: number): HTMLElement;
      open(item: T, index: number): void;
      failed(error: unknown): void;
    },
  ) {
    this.element = h(
      "div",
      { class: "list", role: "listbox", tabindex: 0, "aria-label": label, scroll: () => this.draw() },
      this.space,
    );
  }

  /** How many items there are now. */
  resize(total: number): void {
    this.total = total;
    this.space.style.height = `${Math.min(TALLEST, total * HEIGHT)}px`;
    this.draw();
  }

  /** Forgets all items: the question was changed. `keep` leaves the place. */
  reset(keep = false): void {
    this.pages = new Map();
    this.asked = new Set();
    if (keep) return;
    this.at = -1;
    this.element.scrollTop = 0;
  }

  /** Takes a page that came with another answer. */
  put(from: number, items: readonly T[]): void {
    if (from % PAGE === 0) this.pages.set(from / PAGE, items);
    this.draw();
  }

  /** Selects and opens the item `by` further. */
  move(by: number): void {
    const to = Math.max(0, Math.min(this.total - 1, this.at + by));
    if (this.total === 0) return;
    const top = this.topOf(to);
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + HEIGHT > scrollTop + clientHeight) this.element.scrollTop = top + HEIGHT - clientHeight;
    this.select(to);
  }

  /** Opens one item. */
  select(index: number): void {
    this.at = index;
    this.draw();
    const item = this.item(index);
    if (item !== undefined) this.parts.open(item, index);
    else
      this.parts.load(index - (index % PAGE), PAGE).then(
        (items) => {
          if (items && this.at === index && items[index % PAGE] !== undefined)
            this.parts.open(items[index % PAGE]!, index);
        },
        (error) => this.parts.failed(error),
      );
  }

  private item(index: number): T | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Items beyond the tallest element are squeezed: the place in the list follows the place of the bar. */
  private get squeeze(): number {
    return Math.max(1, (this.total * HEIGHT) / TALLEST);
  }

  private topOf(index: number): number {
    return (index * HEIGHT) / this.squeeze;
  }

  private draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor((scrollTop * this.squeeze) / HEIGHT) - 4);
    const to = Math.min(this.total, from + Math.ceil((clientHeight || 600) / HEIGHT) + 8);
    const first = Math.floor((scrollTop * this.squeeze) / HEIGHT);
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page++)
      if (!this.pages.has(page)) this.ask(page);
    const shown: HTMLElement[] = [];
    for (let index = from; index < to; index++) {
      const item = this.item(index);
      const element =
        item === undefined ? h("div", { class: "item dim" }, "…") : this.parts.draw(item, index);
      element.setAttribute("role", "option");
      element.setAttribute("aria-selected", String(index === this.at));
      element.setAttribute("aria-posinset", String(index + 1));
      element.setAttribute("aria-setsize", String(this.total));
      element.id = `item-${index}`;
      const top = this.squeeze === 1 ? index * HEIGHT : scrollTop + (index - first) * HEIGHT;
      element.style.top = `${top}px`;
      element.addEventListener("click", () => this.select(index));
      shown.push(element);
    }
    this.element.setAttribute("aria-activedescendant", this.at >= 0 ? `item-${this.at}` : "");
    this.space.replaceChildren(...shown);
  }

  private ask(page: number): void {
    if (this.asked.has(page)) return;
    const { asked, pages } = this;
    asked.add(page);
    this.parts.load(page * PAGE, PAGE).then(
      (items) => {
        asked.delete(page);
        if (!items || items.length === 0 || pages !== this.pages) return;
        pages.set(page, items);
        this.draw();
      },
      (error) => {
        asked.delete(page);
        this.parts.failed(error);
      },
    );
  }
}
