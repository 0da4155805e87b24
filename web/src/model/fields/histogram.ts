/** How often a field has values of each size. */

import type { FieldValue } from "./column_rows";
import { tickStepOf } from "./number_ticks";

export interface Histogram {
  /** The low end of the first bin. */
  readonly low: number;
  readonly width: number;
  readonly counts: readonly number[];
  /** Numbers that are finite, which are all in a bin. */
  readonly total: number;
  readonly mean: number;
  /** NaN and infinities, which are in none. */
  readonly unbounded: number;
}

/** The numbers of a column in about `bins` bins, whose width is 1, 2 or 5 times a power of ten. */
export function histogramOf(values: readonly (FieldValue | undefined)[], bins: number): Histogram {
  const numbers = values.filter((value) => typeof value === "number");
  const finite = numbers.filter(Number.isFinite);
  const unbounded = numbers.length - finite.length;
  if (finite.length === 0) return { low: 0, width: 1, counts: [], total: 0, mean: NaN, unbounded };
  const [low, high] = extentOf(finite);
  const width = high > low ? tickStepOf(high - low, bins) : Math.max(Math.abs(low) * 1e-3, 1e-9);
  const first = Math.floor(low / width);
  const counts = new Array<number>(Math.floor(high / width) - first + 1).fill(0);
  for (const value of finite) {
    const bin = Math.min(counts.length - 1, Math.max(0, Math.floor(value / width) - first));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const mean = finite.reduce((sum, value) => sum + value / finite.length, 0);
  return { low: first * width, width, counts, total: finite.length, mean, unbounded };
}

/** The least and the greatest of numbers, of which there is one at least. */
export function extentOf(numbers: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of numbers) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
