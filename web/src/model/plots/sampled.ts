/**
 * Fields of a series over the visible span that are continued: in LIVE only their last buckets are requested.
 * All are requested after a jump, a lost connection or a move of the span, while the sampler is behind, and
 * from time to time, so that late data comes.
 */

import type { FieldSample, SeriesName } from "../../api/series";
import { clampToPresent, cursor, jumps, state, timebase } from "../clock/clock";
import { recoveries } from "../session/session";
import { withPart } from "../timeline/density";
import { stillCovers, withMargins } from "../timeline/prefetch";
import type { Span } from "../timeline/span";
import { seriesNameKey } from "../values/field_ref";
import { toFineMs } from "../values/time";
import { type Buckets, lastFilled, requestBuckets } from "./sampling";

export interface Sampled {
  readonly buckets: Buckets;
  /** The last bucket that came from the server; those behind it hold streamed events only. */
  readonly sampledUntil: number;
  /** The span that was requested whole. */
  readonly span: Span;
  /** What was requested. */
  readonly about: string;
  /** How often the clock had jumped and replies had been missing. */
  readonly breaks: number;
  /** When it was last requested, and when whole, by this browser's clock. */
  readonly askedMs: number;
  readonly wholeMs: number;
  /** The clock at the last request. */
  readonly clockMs: number;
}

/** How far behind the last request new events are looked for, in ms; those that are later come with the whole. */
const TAIL_MS = 5_000;
const TAIL_BUCKETS = 2;
/** Buckets that are continued are requested whole at this interval. */
export const WHOLE_INTERVAL_MS = 30_000;
/** The grid of narrower buckets is finer than the numbers that stand for times. */
const BUCKET_MIN_MS = 0.01;
const GRID_TOLERANCE = 0.1;

let recovered = 0;
recoveries.subscribe(() => recovered++);

/** What a request is about: its reply serves until that changes. */
export function aboutOf(series: SeriesName, fields: readonly string[], count: number): string {
  return JSON.stringify([seriesNameKey(series), fields, count, timebase.value]);
}

/** Request fields over a span and its margins, or what is new in them since the last request. */
export async function sampleFields(
  series: SeriesName,
  fields: string[],
  span: Span,
  count: number,
  known: () => Sampled | undefined,
): Promise<Sampled> {
  const about = aboutOf(series, fields, count);
  const now = { about, breaks: jumps.value + recovered, askedMs: Date.now(), clockMs: toFineMs(cursor.value) };
  const before = known();
  const isContinued = before?.about === about && before.breaks === now.breaks && stillCovers(before.span, span);
  const tail = isContinued && state.value === "LIVE" ? tailOf(before, now.askedMs, now.clockMs) : undefined;
  if (tail !== undefined) {
    const reply = await requestBuckets(series, fields, tail.span, tail.buckets);
    // Streamed events may have been appended while the reply was pending.
    const appended = known();
    const next = withTail(appended?.about === about ? appended : (before as Sampled), reply);
    if (next !== undefined) return { ...next, ...now };
  }
  const whole = withMargins(span);
  const buckets = await requestBuckets(series, fields, clampToPresent(whole), count);
  return { buckets, sampledUntil: lastFilled(buckets), span: whole, wholeMs: now.askedMs, ...now };
}

/** The request for the last buckets up to a time of the clock; undefined if all have to be requested. */
export function tailOf(known: Sampled, nowMs: number, clockMs: number): { span: Span; buckets: number } | undefined {
  const { startMs, bucketMs, isBehind, fields } = known.buckets;
  if (isBehind === true || bucketMs < BUCKET_MIN_MS || nowMs - known.wholeMs > WHOLE_INTERVAL_MS) return undefined;
  const sinceMs = known.clockMs - Math.max(TAIL_MS, TAIL_BUCKETS * bucketMs);
  const first = Math.max(0, Math.floor((sinceMs - startMs) / bucketMs));
  const last = Math.floor((Math.min(clockMs, known.span.stopMs) - startMs) / bucketMs);
  // A tail that is not much shorter, or one before the last request, is no saving.
  if (last <= first || 2 * (last - first) > longest(fields)) return undefined;
  // Within the first bucket and the last one: a rounded edge could belong to the bucket beside.
  const at = (place: number) => startMs + place * bucketMs;
  return { span: { startMs: at(first + 0.25), stopMs: at(last + 0.75) }, buckets: last - first };
}

/** Samples with the buckets of a reply in place of their own; undefined if these are behind or not on one grid. */
export function withTail(known: Sampled, reply: Buckets): Sampled | undefined {
  const { startMs, bucketMs, fields } = known.buckets;
  const offset = (reply.startMs - startMs) / bucketMs;
  const at = Math.round(offset);
  if (reply.isBehind === true || reply.bucketMs !== bucketMs || at < 0 || Math.abs(offset - at) > GRID_TOLERANCE) return undefined;
  const found = fields.map((field) => {
    const tail = reply.fields.find((one) => one.field === field.field);
    return tail === undefined ? field : replaced(field, at, tail);
  });
  const last = lastFilled(reply);
  const sampledUntil = last < 0 ? known.sampledUntil : Math.max(known.sampledUntil, at + last);
  return { ...known, sampledUntil, buckets: { ...reply, startMs, fields: found } };
}

function replaced(field: FieldSample, at: number, by: FieldSample): FieldSample {
  return {
    field: field.field,
    count: withPart(field.count, at, by.count, 0),
    min: withPart(field.min, at, by.min, null),
    max: withPart(field.max, at, by.max, null),
    mean: withPart(field.mean, at, by.mean, null),
  };
}

function longest(fields: readonly FieldSample[]): number {
  return Math.max(0, ...fields.map(({ count }) => count.length));
}
