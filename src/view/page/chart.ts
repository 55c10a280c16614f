// A line chart in SVG: several series, a crosshair for pointer and keys, ticks at round numbers, a logarithmic axis.

import { formatNumber } from "../../base/format.ts";
import { extent, roundTicks, smoothed, thinned } from "./chart-scale.ts";
import { h, showHidden, svg } from "./dom.ts";

/** One line. */
export interface Series {
  readonly name: string;
  /** CSS colour. */
  readonly colour: string;
  /** Few points that each count for themselves: never smoothed. */
  readonly dashed?: boolean;
  /** x ascending; y finite. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** How it is drawn. */
export interface ChartLook {
  readonly log: boolean;
  /** Share of the past in each smoothed point, 0 to 0.99. */
  readonly smoothing: number;
}

const LEFT = 52;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 22;

/** A chart that is drawn anew as its data, look or width change. */
export class Chart {
  readonly element: HTMLElement;
  private readonly drawing = svg("svg", { role: "img", tabindex: 0 });
  private readonly hair = svg("g", {});
  private readonly tip = h("div", { class: "tip", hidden: true });
  private readonly last = h("span", {});
  private readonly legend = h("ul", { class: "legend" });
  private series: readonly Series[] = [];
  private look: ChartLook = { log: false, smoothing: 0 };
  private at: number | undefined;
  private scale: { x(value: number): number; y(value: number): number } | undefined;
  private readonly watcher = new ResizeObserver(() => this.draw());

  constructor(
    private readonly title: string,
    private readonly unit = "step",
  ) {
    this.element = h(
      "section",
      { class: "panel chart" },
      h("h3", {}, title, this.last),
      this.drawing,
      this.tip,
      this.legend,
    );
    this.drawing.addEventListener("pointermove", (event) => this.point(event.clientX));
    this.drawing.addEventListener("pointerleave", () => this.moveTo(undefined));
    this.drawing.addEventListener("blur", () => this.moveTo(undefined));
    this.drawing.addEventListener("keydown", (event) => this.key(event));
    this.watcher.observe(this.element);
  }

  /** Stops watching its width. */
  end(): void {
    this.watcher.disconnect();
  }

  show(series: readonly Series[], look: ChartLook): void {
    this.series = series.filter(({ points }) => points.length > 0);
    this.look = look;
    this.element.hidden = this.series.length === 0;
    this.draw();
  }

  private draw(): void {
    const width = this.drawing.clientWidth;
    const height = this.drawing.clientHeight;
    if (width === 0 || this.series.length === 0) return;
    const { log, smoothing } = this.look;
    const usable = this.series.map((one) => ({
      ...one,
      points: log ? one.points.filter(([, y]) => y > 0) : one.points,
    }));
    const points = usable.flatMap((one) => one.points);
    const [x0, x1] = extent(points.map(([x]) => x));
    const flat = points.map(([, y]) => (log ? Math.log10(y) : y));
    let [y0, y1] = extent(flat);
    const air = (y1 - y0 || Math.abs(y1) || 1) * 0.06;
    // A quantity that is never negative is not shown below zero.
    [y0, y1] = [!log && y0 >= 0 ? Math.max(0, y0 - air) : y0 - air, y1 + air];
    const x = (value: number) => LEFT + ((value - x0) / (x1 - x0 || 1)) * (width - LEFT - RIGHT);
    const y = (value: number) =>
      height - BOTTOM - (((log ? Math.log10(value) : value) - y0) / (y1 - y0)) * (height - TOP - BOTTOM);
    this.scale = { x, y };
    const parts: SVGElement[] = [];
    for (const tick of roundTicks(y0, y1, Math.max(3, height / 55))) {
      const at = y(log ? 10 ** tick : tick);
      parts.push(
        svg("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }),
        svg(
          "text",
          { class: "axis", x: LEFT - 7, y: at + 4, "text-anchor": "end" },
          tickWords(log ? 10 ** tick : tick),
        ),
      );
    }
    for (const tick of roundTicks(x0, x1, width / 110))
      parts.push(
        svg("text", { class: "axis", x: x(tick), y: height - 5, "text-anchor": "middle" }, tickWords(tick)),
      );
    const room = width - LEFT - RIGHT;
    for (const { points: own, colour, dashed } of usable) {
      const smooth = smoothing > 0 && !dashed && own.length > 3;
      if (smooth) parts.push(line(thinned(own, room), x, y, colour, "raw"));
      const drawn = thinned(smooth ? smoothed(own, smoothing) : own, room);
      parts.push(line(drawn, x, y, colour, dashed ? "dash" : ""));
      if (own.length < 40 && (dashed || own.length === 1))
        for (const [px, py] of own)
          parts.push(svg("circle", { cx: x(px), cy: y(py), r: 3, style: `fill:${colour}` }));
    }
    this.drawing.replaceChildren(...parts, this.hair);
    const words = usable.map(
      ({ name, points: own }) => `${name} ${own.length > 0 ? formatNumber(own.at(-1)![1], 4) : "-"}`,
    );
    this.drawing.setAttribute(
      "aria-label",
      showHidden(`${this.title} by ${this.unit}: last ${words.join(", ")}`),
    );
    this.last.textContent =
      usable.length === 1 && usable[0]!.points.length > 0
        ? formatNumber(usable[0]!.points.at(-1)![1], 4)
        : "";
    this.legend.hidden = usable.length < 2;
    this.legend.replaceChildren(
      ...usable.map(({ name, colour, dashed }) =>
        h(
          "li",
          {},
          h("span", {
            class: dashed ? "key dashed" : "key",
            style: `background:${colour};border-color:${colour}`,
          }),
          name,
        ),
      ),
    );
    this.moveTo(this.at);
  }

  private point(clientX: number): void {
    const { left } = this.drawing.getBoundingClientRect();
    const { scale } = this;
    if (!scale) return;
    let best: number | undefined;
    let distance = Number.POSITIVE_INFINITY;
    for (const x of this.places()) {
      const off = Math.abs(scale.x(x) - (clientX - left));
      if (off < distance) [best, distance] = [x, off];
    }
    this.moveTo(best);
  }

  private places(): number[] {
    return [...new Set(this.series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  }

  private key(event: KeyboardEvent): void {
    const step = {
      ArrowLeft: -1,
      ArrowRight: 1,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const places = this.places();
    const from = this.at === undefined ? (step > 0 ? -1 : places.length) : places.indexOf(this.at);
    this.moveTo(places[Math.max(0, Math.min(places.length - 1, from + step))]);
  }

  /** Crosshair and words at one x. */
  private moveTo(at: number | undefined): void {
    this.at = at;
    const { scale } = this;
    this.tip.hidden = at === undefined;
    if (at === undefined || !scale) {
      this.hair.replaceChildren();
      return;
    }
    const x = scale.x(at);
    const found = this.series.flatMap(({ name, colour, points }) => {
      const y = points.find(([px]) => px === at)?.[1];
      return y === undefined || (this.look.log && y <= 0) ? [] : [{ name, colour, y }];
    });
    this.hair.replaceChildren(
      svg("line", { class: "hair", x1: x, x2: x, y1: TOP, y2: this.drawing.clientHeight - BOTTOM }),
      ...found.map(({ colour, y }) =>
        svg("circle", { class: "dot", cx: x, cy: scale.y(y), r: 4, style: `fill:${colour}` }),
      ),
    );
    const words = found.map(({ name, y }) =>
      h("div", {}, h("span", {}, name), h("b", {}, formatNumber(y, 5))),
    );
    this.tip.replaceChildren(h("div", {}, `${this.unit} ${tickWords(at)}`), ...words);
    const right = x > this.drawing.clientWidth / 2;
    this.tip.style.left = right ? "" : `${x + 26}px`;
    this.tip.style.right = right ? `${this.drawing.clientWidth - x + 26}px` : "";
    this.tip.style.top = "2.6rem";
  }
}

type Points = readonly (readonly [number, number])[];

function line(
  points: Points,
  x: (v: number) => number,
  y: (v: number) => number,
  colour: string,
  look: string,
): SVGElement {
  const d = points
    .map(([px, py], i) => `${i === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
    .join("");
  return svg("path", { d, class: look, style: `stroke:${colour}` });
}

function tickWords(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1e9 || size < 1e-3) return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}
