/** How a chart is drawn: an axis for each unit, lines in their bands, limits, and the labels of times. */

import uPlot from "uplot";
import type { FieldRef } from "../values/field_ref";
import { visible } from "../timeline/span";
import { fromFineMs } from "../values/time";
import { filledIndexes, lonelyIndexes } from "./plot_columns";
import type { LimitLine } from "./plot_fields";
import type { AxisSpec } from "./plot_spec";

const COLOURS = 8;
const FONT = '11px system-ui, "DejaVu Sans", sans-serif';
const POINT_PX = 4;
/** Values that are at least this far apart are drawn as points too. */
const POINT_ROOM_PX = 12;
/** Free space above and below the values, as a share of their range. */
const MARGIN = 0.1;
const LIMIT_DASH_PX = [4, 4];
const LIMIT_COLOURS = { warning: "--warn", critical: "--bad" } as const;

/** A line of a chart: its field, the axis of its unit, and its limits. */
export interface ChartLine {
  readonly field: FieldRef;
  readonly unit: string;
  readonly axis: AxisSpec;
  readonly isHidden: boolean;
  readonly limits: readonly LimitLine[];
}

/** A colour of the theme. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Scales, axes, series and bands of lines. */
export function chartOptions(lines: readonly ChartLine[]): Pick<uPlot.Options, "scales" | "axes" | "series" | "bands"> {
  const axes = new Map(lines.map(({ unit, axis }) => [unit, axis]));
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--muted"), font: FONT, grid, ticks: { ...grid, size: 4 } };
  const strokes = lines.map((_, index) => colour(`--plot-${index % COLOURS}`));
  return {
    scales: {
      x: { time: true, auto: false, range: (_, min, max) => [min ?? visible.peek().startMs, max ?? visible.peek().stopMs] },
      ...Object.fromEntries([...axes].map(([unit, spec]) => [scaleOf(unit), scaleOptions(spec)])),
    },
    axes: [
      { ...axis, size: 26, space: 80, values: timeLabels },
      ...[...axes.keys()].map((unit, index) => ({
        ...axis,
        scale: scaleOf(unit),
        side: index % 2 === 0 ? 3 : 1,
        size: fitLabels,
        space: 20,
        gap: 2,
        label: unit,
        labelSize: unit === "" ? 0 : 14,
        labelFont: FONT,
        grid: { ...grid, show: index === 0 },
      })),
    ],
    series: [{}, ...lines.flatMap(({ unit }, index) => seriesOptions(strokes[index] ?? "", scaleOf(unit)))],
    bands: lines.map((_, index) => ({ series: [3 * index + 3, 3 * index + 2] as [number, number], fill: `${strokes[index]}33` })),
  };
}

function scaleOf(unit: string): string {
  return `y ${unit}`;
}

/** The ends that its user has set, else those of the data with a margin. */
function scaleOptions({ min, max, log }: AxisSpec): uPlot.Scale {
  const range = (_: uPlot, dataMin: number | null, dataMax: number | null): uPlot.Range.MinMax => {
    const [low, high] = log === true ? uPlot.rangeLog(dataMin ?? 1, dataMax ?? 10, 10, false) : uPlot.rangeNum(dataMin ?? 0, dataMax ?? 1, MARGIN, true);
    const ends: [number, number] = [min ?? low ?? 0, max ?? high ?? 1];
    return ends[0] < ends[1] ? ends : [ends[0], ends[0] + Math.max(1, Math.abs(ends[0]))];
  };
  return log === true ? { distr: 3, log: 10, range } : { range };
}

/** Draw the limits of the lines that are drawn, across the plot. */
export function drawLimits(plot: uPlot, lines: readonly ChartLine[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(LIMIT_DASH_PX.map((px) => px * devicePixelRatio));
  for (const { limits, isHidden } of lines) {
    for (const { unit, value, severity } of isHidden ? [] : limits) {
      const y = Math.round(plot.valToPos(value, scaleOf(unit), true)) + 0.5;
      if (!Number.isFinite(y)) continue;
      ctx.strokeStyle = colour(LIMIT_COLOURS[severity]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** The mean as a line; minimum and maximum as the invisible edges of its band. */
function seriesOptions(stroke: string, scale: string): uPlot.Series[] {
  const edge: uPlot.Series = { scale, stroke: "transparent", width: 0, points: { show: false } };
  const points = { show: true, size: POINT_PX, fill: stroke, filter: shownPoints };
  return [{ scale, stroke, width: 1.5, points }, edge, { ...edge }];
}

/** Every value where they are sparse; else those that no line leads to or from, which nothing else would draw. */
function shownPoints(plot: uPlot, seriesIndex: number): number[] {
  const column = plot.data[seriesIndex] ?? [];
  const filled = filledIndexes(column);
  return filled.length * POINT_ROOM_PX <= plot.over.clientWidth ? filled : lonelyIndexes(column);
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
