/** Sparklines: means as a line within the band from minimum to maximum. */

import { type Buckets, lineColumn } from "../plots/sampling";
import type { Span } from "../timeline/span";

/** A line in a box of 1 by 1, y downwards, as SVG paths, with the values at its bottom and top. */
export interface Sparkline {
  /** The means. */
  readonly line: string;
  /** The band from the minimum to the maximum of each bucket. */
  readonly band: string;
  readonly low: number;
  readonly high: number;
}

/** A flat line is drawn in the middle of a box whose height is this share of its value. */
const FLAT_SHARE = 1e-3;

/** The value at the clock, with which a line ends. */
export interface SparklineEnd {
  readonly ms: number;
  readonly value: number;
}

/**
 * The line of a field over a span, up to a time. A bucket that ends after that time may hold later values
 * and is left out; the line ends with the value at the clock instead.
 */
export function sparklineOf(
  buckets: Buckets,
  field: string,
  span: Span,
  untilMs: number,
  now: SparklineEnd | undefined,
): Sparkline | undefined {
  const sample = buckets.fields.find((one) => one.field === field);
  if (sample === undefined) return undefined;
  const first = Math.floor((span.startMs - buckets.startMs) / buckets.bucketMs);
  const behind = Math.floor((Math.min(untilMs, span.stopMs + buckets.bucketMs) - buckets.startMs) / buckets.bucketMs);
  const column = (values: readonly (number | null)[]) =>
    lineColumn(sample.count, values).map((value, index) => (index >= first && index < behind ? value : undefined));
  const [means, lows, highs] = [column(sample.mean), column(sample.min), column(sample.max)];
  const last = now === undefined || now.ms > span.stopMs || now.ms < span.startMs ? undefined : now;
  const low = least([...lows, last?.value]);
  const high = greatest([...highs, last?.value]);
  if (low === undefined || high === undefined) return undefined;
  const [x, y] = [xOf(span), scaleOf(low, high)];
  const at = (index: number) => x(buckets.startMs + (index + 0.5) * buckets.bucketMs);
  const line = linePath(means, at, y);
  const end = last === undefined ? "" : `${line === "" ? "M" : "L"}${x(last.ms)},${y(last.value)}`;
  return { line: line + end, band: bandPath(lows, highs, at, y), low, high };
}

function xOf(span: Span): (ms: number) => number {
  return (ms) => round((ms - span.startMs) / (span.stopMs - span.startMs));
}

/** The height of a value in the box of a line; undefined if it lies outside. */
export function heightOf(of: { low: number; high: number }, value: number): number | undefined {
  const y = scaleOf(of.low, of.high)(value);
  return y >= 0 && y <= 1 ? y : undefined;
}

type OptionalColumn = readonly (number | null | undefined)[];

function scaleOf(low: number, high: number): (value: number) => number {
  const room = Math.max(high - low, Math.abs(high) * FLAT_SHARE) || 1;
  const bottom = (low + high - room) / 2;
  return (value) => round(1 - (value - bottom) / room);
}

/** A line that breaks at null and continues over undefined. */
function linePath(column: OptionalColumn, x: (index: number) => number, y: (value: number) => number): string {
  let path = "";
  let isOpen = false;
  column.forEach((value, index) => {
    if (value === null) isOpen = false;
    if (value === null || value === undefined) return;
    path += `${isOpen ? "L" : "M"}${x(index)},${y(value)}`;
    isOpen = true;
  });
  return path;
}

/** Closed shapes, one for each unbroken run. */
function bandPath(lows: OptionalColumn, highs: OptionalColumn, x: (index: number) => number, y: (value: number) => number): string {
  let path = "";
  let run: number[] = [];
  const close = () => {
    const upper = run.map((index) => `${x(index)},${y(highs[index] as number)}`);
    const lower = run.map((index) => `${x(index)},${y(lows[index] as number)}`).reverse();
    if (run.length > 1) path += `M${[...upper, ...lower].join("L")}Z`;
    run = [];
  };
  lows.forEach((value, index) => {
    if (value === null) close();
    else if (value !== undefined) run.push(index);
  });
  close();
  return path;
}

function least(column: OptionalColumn): number | undefined {
  return column.reduce<number | undefined>((found, one) => (one == null ? found : Math.min(found ?? one, one)), undefined);
}

function greatest(column: OptionalColumn): number | undefined {
  return column.reduce<number | undefined>((found, one) => (one == null ? found : Math.max(found ?? one, one)), undefined);
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
