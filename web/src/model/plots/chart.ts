/** A uPlot chart of sampled fields. Dragging sets the timeline's span, a click sets the clock. */

import uPlot from "uplot";
import { seek } from "../clock/clock";
import type { Marker } from "../timeline/markers";
import { setVisible, type Span, visible, zoomSpan } from "../timeline/span";
import { fromFineMs } from "../values/time";
import { type ChartLine, chartOptions, drawLimits } from "./chart_options";
import { aboveZero, columnsOf } from "./plot_columns";
import type { Sampled } from "./sampled";
import { widthPx } from "./plot_data";
import { seriesNameKey } from "./sampling";

const HEIGHT_MIN_PX = 60;
const ZOOM_STEP = 1.25;
const DRAG_MIN_PX = 4;
/** A mode of `uPlot.join`. */
const NULL_EXPAND = 2;
const NO_BUCKETS = { startMs: 0, bucketMs: 1, fields: [] };

export class Chart {
  private readonly plot: uPlot;
  private readonly mark: HTMLElement;
  private readonly observer: ResizeObserver;
  private alarms: { readonly ms: number; readonly element: HTMLElement }[] = [];
  private cursorMs = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly lines: readonly ChartLine[],
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
  setSeries(lines: ReadonlyMap<string, Sampled>): void {
    this.plot.batch(() => {
      this.plot.setData(this.columns(lines), false);
      this.setSpan(visible.peek());
    });
  }

  /** Show a span of time. */
  setSpan(span: Span): void {
    this.plot.setScale("x", { min: span.startMs, max: span.stopMs });
    this.placeMarks();
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
    this.plot.over.append(...this.alarms.map(({ element }) => element));
    this.placeMarks();
  }

  /** Mark the clock's time. */
  setCursor(ms: number): void {
    this.cursorMs = ms;
    this.placeMarks();
  }

  /** Place the clock's line and the alarms on the axis as it is drawn. */
  private placeMarks(): void {
    place(this.plot, this.mark, this.cursorMs);
    for (const { ms, element } of this.alarms) place(this.plot, element, ms);
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
  }

  private columns(lines: ReadonlyMap<string, Sampled>): uPlot.AlignedData {
    const tables = this.lines.map(({ field: { series, field }, isHidden, axis }) => {
      const buckets = lines.get(seriesNameKey(series))?.buckets;
      if (buckets === undefined || isHidden) return columnsOf(NO_BUCKETS, field) as uPlot.AlignedData;
      const columns = columnsOf(buckets, field);
      return (axis.log === true ? aboveZero(columns) : columns) as uPlot.AlignedData;
    });
    return joined(tables);
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
    return {
      width: Math.max(50, this.element.clientWidth),
      height: Math.max(HEIGHT_MIN_PX, this.element.clientHeight),
      ms: 1,
      tzDate: (ms) => uPlot.tzDate(new Date(ms), "Etc/UTC"),
      legend: { show: false },
      padding: [6, 20, 0, 0],
      ...chartOptions(this.lines),
      cursor: { drag: { x: true, y: false, setScale: false, dist: DRAG_MIN_PX }, bind: { dblclick: () => null }, y: false },
      hooks: {
        setSelect: [(plot) => this.selected(plot)],
        setCursor: [(plot) => this.hovered(plot)],
        // Axes become wider and narrower with their labels: marks are placed once that is settled.
        draw: [(plot) => drawLimits(plot, this.lines), () => this.placeMarks()],
      },
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

/** Tables of different times as one. A silence of one field reaches over the times of others in it. */
function joined(tables: uPlot.AlignedData[]): uPlot.AlignedData {
  if (tables.length === 1) return tables[0] as uPlot.AlignedData;
  return uPlot.join(tables, tables.map((table) => table.map(() => NULL_EXPAND)));
}

/** Put an element at a time of the axis, or hide it outside. */
function place(plot: uPlot, element: HTMLElement, ms: number): void {
  const x = plot.valToPos(ms, "x");
  element.hidden = !(x >= 0 && x <= plot.over.clientWidth);
  element.style.transform = `translateX(${x}px)`;
}
