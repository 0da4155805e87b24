/** A uPlot chart of sampled fields. Dragging sets the timeline's span, a click sets the clock. */

import uPlot from "uplot";
import { seek } from "../clock/clock";
import type { Marker } from "../timeline/markers";
import { setVisible, type Span, visible, zoomSpan } from "../timeline/span";
import { fromFineMs } from "../values/time";
import { unitOf } from "../values/units";
import { columnsOf } from "./plot_columns";
import type { PlotSeries } from "./plot_data";
import { widthPx } from "./plot_data";
import type { PlotField } from "./plots";
import { seriesNameKey } from "./sampling";

const HEIGHT_MIN_PX = 60;
const ZOOM_STEP = 1.25;
const DRAG_MIN_PX = 4;
const COLOURS = 8;
const FONT = '11px system-ui, "DejaVu Sans", sans-serif';

export class Chart {
  private readonly plot: uPlot;
  private readonly mark: HTMLElement;
  private readonly observer: ResizeObserver;
  private alarms: { readonly ms: number; readonly element: HTMLElement }[] = [];
  private cursorMs = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly fields: readonly PlotField[],
    private readonly hover: (ms: number | null) => void,
  ) {
    this.plot = new uPlot(this.options(), this.columns(new Map()), element);
    this.mark = document.createElement("div");
    this.mark.className = "clock-mark";
    this.plot.over.append(this.mark);
    this.attachPointer(this.plot.over);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(element);
    this.fit();
  }

  /** Draw the loaded data of the plotted series. */
  setSeries(lines: ReadonlyMap<string, PlotSeries>): void {
    this.plot.batch(() => {
      this.plot.setData(this.columns(lines), false);
      this.setSpan(visible.peek());
    });
  }

  /** Show a span of time. */
  setSpan(span: Span): void {
    this.plot.setScale("x", { min: span.startMs, max: span.stopMs });
    this.setCursor(this.cursorMs);
    for (const alarm of this.alarms) placeAlarm(alarm, span);
  }

  /** Mark where alarms were raised. */
  setAlarms(markers: readonly Marker[]): void {
    for (const { element } of this.alarms) element.remove();
    this.alarms = markers.map(({ ms, severity, text }) => {
      const element = document.createElement("div");
      element.className = `alarm-mark is-${severity ?? "watch"}`;
      element.dataset["testid"] = "plot-alarm";
      element.title = text;
      return { ms, element };
    });
    for (const alarm of this.alarms) placeAlarm(alarm, visible.peek());
    this.plot.over.append(...this.alarms.map(({ element }) => element));
  }

  /** Mark the clock's time. */
  setCursor(ms: number): void {
    this.cursorMs = ms;
    const span = visible.peek();
    const x = ((ms - span.startMs) / (span.stopMs - span.startMs)) * this.plot.over.clientWidth;
    this.mark.hidden = !(x >= 0 && x <= this.plot.over.clientWidth);
    this.mark.style.transform = `translateX(${x}px)`;
  }

  /** Remove the chart. */
  destroy(): void {
    this.observer.disconnect();
    this.plot.destroy();
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0) return;
    this.plot.setSize({ width, height: Math.max(HEIGHT_MIN_PX, height) });
    if (width > widthPx.peek() * 1.1 || width < widthPx.peek() / 2) widthPx.value = width;
    this.setCursor(this.cursorMs);
  }

  private columns(lines: ReadonlyMap<string, PlotSeries>): uPlot.AlignedData {
    const tables = this.fields.map(({ series, field }) => {
      const buckets = lines.get(seriesNameKey(series))?.buckets ?? { startMs: 0, bucketMs: 1, fields: [] };
      return columnsOf(buckets, field) as uPlot.AlignedData;
    });
    return tables.length === 1 ? (tables[0] as uPlot.AlignedData) : uPlot.join(tables);
  }

  private attachPointer(over: HTMLElement): void {
    let downX: number | undefined;
    over.addEventListener("pointerdown", (event) => (downX = event.clientX));
    over.addEventListener("click", (event) => {
      if (downX === undefined || Math.abs(event.clientX - downX) >= DRAG_MIN_PX) return;
      seek(fromFineMs(this.timeAt(event)));
    });
    over.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        setVisible(zoomSpan(visible.peek(), event.deltaY > 0 ? ZOOM_STEP : 1 / ZOOM_STEP, this.timeAt(event)));
      },
      { passive: false },
    );
    over.addEventListener("pointerleave", () => this.hover(null));
  }

  private timeAt(event: MouseEvent): number {
    const box = this.plot.over.getBoundingClientRect();
    return this.plot.posToVal(event.clientX - box.left, "x");
  }

  private options(): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const units = [...new Set(this.fields.map(({ field }) => unitOf(field) ?? ""))];
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--muted"), font: FONT, grid, ticks: { ...grid, size: 4 } };
    return {
      width: Math.max(50, this.element.clientWidth),
      height: Math.max(HEIGHT_MIN_PX, this.element.clientHeight),
      ms: 1,
      tzDate: (ms) => uPlot.tzDate(new Date(ms), "Etc/UTC"),
      legend: { show: false },
      padding: [6, 20, 0, 0],
      scales: {
        x: { time: true, auto: false, range: (_, min, max) => [min ?? visible.peek().startMs, max ?? visible.peek().stopMs] },
      },
      axes: [
        { ...axis, size: 26, space: 80, values: timeLabels },
        ...units.slice(0, 2).map((unit, index) => ({
          ...axis,
          scale: `y ${unit}`,
          side: index === 0 ? 3 : 1,
          size: fitLabels,
          space: 20,
          gap: 2,
          label: unit,
          labelSize: unit === "" ? 0 : 14,
          labelFont: FONT,
          grid: { ...grid, show: index === 0 },
        })),
      ],
      series: [{}, ...this.fields.flatMap(({ field }, index) => seriesOptions(colour(`--plot-${index % COLOURS}`), `y ${unitOf(field) ?? ""}`))],
      bands: this.fields.map((_, index) => ({
        series: [3 * index + 3, 3 * index + 2],
        fill: `${colour(`--plot-${index % COLOURS}`)}33`,
      })),
      cursor: { drag: { x: true, y: false, setScale: false, dist: DRAG_MIN_PX }, bind: { dblclick: () => null }, y: false },
      hooks: { setSelect: [(plot) => this.selected(plot)], setCursor: [(plot) => this.hovered(plot)] },
    };
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < DRAG_MIN_PX) return;
    setVisible({ startMs: plot.posToVal(left, "x"), stopMs: plot.posToVal(left + width, "x") });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  private hovered(plot: uPlot): void {
    const left = plot.cursor.left ?? -1;
    this.hover(left < 0 ? null : plot.posToVal(left, "x"));
  }
}

/** The mean as a line; minimum and maximum as the invisible edges of its band. */
function seriesOptions(stroke: string, scale: string): uPlot.Series[] {
  const edge: uPlot.Series = { scale, stroke: "transparent", width: 0, points: { show: false } };
  return [{ scale, stroke, width: 1.5, points: { size: 4, fill: stroke } }, edge, { ...edge }];
}

/** As wide as the longest label. */
function fitLabels(_: uPlot, labels: string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length));
  return Math.max(36, 7 * longest + 12);
}

/** Times in the timeline's format: the date where a day begins, and as many digits as the steps need. */
function timeLabels(_: uPlot, splits: number[], __: number, ___: number, stepMs: number): string[] {
  return splits.map((ms) => {
    const text = fromFineMs(ms);
    if (text.slice(11, 23) === "00:00:00.000") return text.slice(0, 10);
    if (stepMs >= 60_000) return text.slice(11, 16);
    return stepMs >= 1_000 ? text.slice(11, 19) : text.slice(11, 23);
  });
}

function placeAlarm({ ms, element }: { readonly ms: number; readonly element: HTMLElement }, span: Span): void {
  const share = (ms - span.startMs) / (span.stopMs - span.startMs);
  element.hidden = share < 0 || share > 1;
  element.style.left = `${share * 100}%`;
}
