/** The ticks of the time axis: UTC, at customary steps, from microseconds to centuries. */

import { fromMs, fromNs } from "../values/time";
import { type Span, spanLength } from "./span";

export interface Tick {
  readonly ms: number;
  readonly label: string;
  /** Whether a greater unit begins here, for example a day among hours. */
  readonly major: boolean;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;
const YEAR = 365.25 * DAY;
/** The first Monday after 1970 began; weeks are counted from it. */
const MONDAY = 4 * DAY;

/** Steps of fixed length, in ms. */
const FIXED: readonly number[] = [
  ...[0.001, 0.01, 0.1, 1, 10, 100].flatMap((unit) => [unit, unit * 2, unit * 5]),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7].map((count) => count * DAY),
];
/** Steps of the calendar, in months. */
const MONTHS: readonly number[] = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
const TICKS_MAX = 200;

/** The smallest step that gives at most this many ticks: fixed ms, or months. */
export function tickStep(lengthMs: number, count: number): { ms: number } | { months: number } {
  const least = lengthMs / Math.max(1, count);
  const fixed = FIXED.find((step) => step >= least);
  if (fixed !== undefined) return { ms: fixed };
  return { months: MONTHS.find((step) => step * MONTH >= least) ?? 1200 };
}

/** The ticks in a span, at most about this many. */
export function ticks(span: Span, count: number): Tick[] {
  const step = tickStep(spanLength(span), count);
  return "ms" in step ? fixedTicks(span, step.ms) : monthTicks(span, step.months);
}

function fixedTicks(span: Span, step: number): Tick[] {
  const origin = step === 7 * DAY ? MONDAY : 0;
  const first = Math.ceil((span.startMs - origin) / step);
  const last = Math.floor((span.stopMs - origin) / step);
  const found: Tick[] = [];
  for (let index = first; index <= last && found.length < TICKS_MAX; index++) {
    const ms = origin + index * step;
    const isDay = ms % DAY === 0;
    const text = fromNs(BigInt(origin) * 1_000_000n + BigInt(index) * BigInt(Math.round(step * 1e6)));
    const major = step < DAY ? isDay : new Date(ms).getUTCDate() === 1;
    found.push({ ms, label: isDay ? text.slice(0, 10) : label(text, step), major });
  }
  return found;
}

function monthTicks(span: Span, step: number): Tick[] {
  const start = new Date(span.startMs);
  const months = (start.getUTCFullYear() * 12 + start.getUTCMonth()) / step;
  const found: Tick[] = [];
  for (let index = Math.floor(months); found.length < TICKS_MAX; index++) {
    const ms = monthMs(index * step);
    if (ms > span.stopMs) break;
    if (ms < span.startMs) continue;
    const text = fromMs(ms);
    const isYear = (index * step) % 12 === 0;
    found.push({ ms, label: isYear ? text.slice(0, 4) : text.slice(0, 7), major: isYear && step < 12 });
  }
  return found;
}

/** The start of a month, counted from the year 0. */
function monthMs(month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
  return date.getTime();
}

/** The time of day as precisely as the step needs. */
function label(text: string, step: number): string {
  if (step >= MINUTE) return text.slice(11, 16);
  if (step >= SECOND) return text.slice(11, 19);
  return text.slice(11, 20 + digitsOf(step));
}

/** How many digits below the second a step needs. */
function digitsOf(step: number): number {
  return step >= 100 ? 1 : step >= 10 ? 2 : step >= 1 ? 3 : step >= 0.1 ? 4 : step >= 0.01 ? 5 : 6;
}

/** A duration as text. */
export function durationText(ms: number): string {
  const units: readonly [number, string][] = [
    [YEAR, "years"],
    [DAY, "days"],
    [HOUR, "h"],
    [MINUTE, "min"],
    [SECOND, "s"],
  ];
  for (const [unit, name] of units) {
    if (ms >= 2 * unit) return `${rounded(ms / unit)} ${name}`;
  }
  return `${rounded(ms)} ms`;
}

function rounded(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(+value.toPrecision(3));
}
