/** Pairs of two fields: the value of one at the times of the other. */

import type { FieldValue } from "./column_rows";

export interface FieldColumn {
  readonly times: readonly number[];
  readonly values: readonly (FieldValue | undefined)[];
}

export interface XyPoint {
  readonly ms: number;
  readonly x: number;
  readonly y: number;
}

/**
 * A point for each number of `ys`, with the newest number of `xs` up to its time; none before the first.
 * Columns of one series have the same rows, of which each makes a point: times in ms are too coarse for events
 * that lie nanoseconds apart.
 */
export function xyPoints(xs: FieldColumn, ys: FieldColumn): XyPoint[] {
  if (xs.times === ys.times) return rowPoints(xs, ys);
  const points: XyPoint[] = [];
  let x: number | undefined;
  let next = 0;
  ys.values.forEach((y, row) => {
    const ms = ys.times[row] as number;
    for (; next < xs.times.length && (xs.times[next] as number) <= ms; next++) {
      const value = xs.values[next];
      if (typeof value === "number") x = value;
    }
    if (x === undefined || typeof y !== "number" || !Number.isFinite(x) || !Number.isFinite(y)) return;
    points.push({ ms, x, y });
  });
  return points;
}

function rowPoints(xs: FieldColumn, ys: FieldColumn): XyPoint[] {
  return ys.values.flatMap((y, row) => {
    const x = xs.values[row];
    if (typeof x !== "number" || typeof y !== "number" || !Number.isFinite(x) || !Number.isFinite(y)) return [];
    return [{ ms: ys.times[row] as number, x, y }];
  });
}

/** The newest point up to a time; the points are in the order of their times. */
export function pointAt(points: readonly XyPoint[], ms: number): XyPoint | undefined {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle] as XyPoint).ms <= ms) low = middle + 1;
    else high = middle;
  }
  return points[low - 1];
}
