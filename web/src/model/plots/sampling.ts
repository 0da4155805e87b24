/** Numeric fields over a range of time: requested in buckets, extended by streamed events. */

import { type FieldInfo, FIELDS_MAX, type FieldSample, type SampleResponse, type SeriesName } from "../../api/series";
import { cursor, state, type Timebase, timebase } from "../clock/clock";
import { request } from "../session/session";
import type { Span } from "../timeline/span";
import { eventTime, fieldValue, type StoredEvent, valueRows } from "../values/event";
import { seriesNameKey } from "../values/field_ref";
import { fromFineMs, toFineMs } from "../values/time";

const NS_PER_MS = 1e6;
/** Samples that were behind are requested again at this interval. */
export const BEHIND_INTERVAL_MS = 3_000;
/** The line breaks at a silence longer than this multiple of the usual distance between values… */
const GAP_FACTOR = 10;
/** …if it is also this share of the drawn range, because values that are sent on change are irregular. */
const GAP_SHARE = 0.02;

/** Buckets of fields of one series on a grid of ms. */
export interface Buckets {
  startMs: number;
  bucketMs: number;
  fields: FieldSample[];
  /** Whether the sampler had not reached the newest events: buckets may be empty for now. */
  isBehind?: boolean;
  /** Fields that no event of the series has, at any time; all if the series is unknown. */
  unknown?: readonly string[];
}

export { seriesNameKey };

/** The series of an event; undefined if its lane cannot be sampled. */
export function sampledSeriesOf(event: StoredEvent): SeriesName | undefined {
  const { scopeId, systemId, containerId, uniqueId, lane, messageType, viewId } = event;
  if (lane !== "ui" && lane !== "parsed") return undefined;
  const view = viewId === undefined ? {} : { viewId };
  return { scopeId, systemId, containerId, uniqueId, lane, messageType: messageType ?? "", ...view };
}

/** The map key of an event's series; empty if its lane cannot be sampled. */
export function sampledKey(event: StoredEvent): string {
  const series = sampledSeriesOf(event);
  return series === undefined ? "" : seriesNameKey(series);
}

/** Request the fields in the newest events of a series, and in that of the clock: a field may have had another name. */
export async function requestFields(series: SeriesName): Promise<FieldInfo[]> {
  const [{ fields }, atClock] = await Promise.all([request({ type: "fields", ...series }, "fieldsResponse"), fieldsAtClock(series)]);
  const found = new Map([...atClock, ...fields].map((one) => [one.field, one]));
  return [...found.values()].sort((one, other) => (one.field < other.field ? -1 : 1));
}

/** In LIVE the newest events are those of the clock. */
async function fieldsAtClock(series: SeriesName): Promise<FieldInfo[]> {
  if (state.value === "LIVE") return [];
  const { scopeId, systemId, containerId, uniqueId, lane, messageType } = series;
  const filters = { scopeIds: [scopeId], systemId, containerId, uniqueId, lanes: [lane], messageTypes: [messageType] };
  const reply = await request({ type: "latest", timebase: timebase.value, time: cursor.value, filters }, "latestResponse");
  const key = seriesNameKey(series);
  const events = (reply.events as StoredEvent[]).filter((event) => sampledKey(event) === key);
  return events.flatMap(valueRows).flatMap(([field, value]) => {
    const kind = typeof value;
    return kind === "number" || kind === "string" || kind === "boolean" ? [{ field, kind }] : [];
  });
}

/** Request fields of a series over a span, in several requests if they are more than one allows. */
export async function requestBuckets(series: SeriesName, fields: string[], span: Span, buckets: number): Promise<Buckets> {
  const parts: string[][] = [];
  for (let at = 0; at < fields.length; at += FIELDS_MAX) parts.push(fields.slice(at, at + FIELDS_MAX));
  const range = { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
  const replies = await Promise.all(
    parts.map((part) =>
      request(
        // The generated type lists the fields as a tuple, up to the limit that `parts` keeps.
        { type: "sample", ...range, timebase: timebase.value, ...series, fields: part as [string], buckets },
        "sampleResponse",
      ),
    ),
  );
  return joinReplies(replies);
}

function joinReplies(replies: readonly SampleResponse[]): Buckets {
  const [first] = replies;
  if (first === undefined) return { startMs: 0, bucketMs: 1, fields: [] };
  return {
    startMs: toFineMs(first.startTime),
    bucketMs: first.bucketNs / NS_PER_MS,
    fields: replies.flatMap((reply) => reply.fields),
    isBehind: replies.some((reply) => reply.behind === true),
    unknown: replies.flatMap((reply) => (reply.unknownSeries === true ? reply.fields.map(({ field }) => field) : (reply.unknownFields ?? []))),
  };
}

/** The number in a field of an event; undefined if it is not a number. */
export function numberAt(event: StoredEvent, field: string): number | undefined {
  const value = fieldValue(event, field);
  return typeof value === "number" ? value : undefined;
}

/**
 * Buckets with the streamed events that are later than the last sampled bucket; true if any was new.
 *
 * Sampled buckets are not changed, because they may contain these events already; the next sample has all.
 */
export function appendEvents(buckets: Buckets, sampledUntil: number, events: readonly StoredEvent[], base: Timebase): boolean {
  let isNew = false;
  for (const event of events) {
    const index = Math.floor((toFineMs(eventTime(event, base)) - buckets.startMs) / buckets.bucketMs);
    if (index <= sampledUntil || index >= lengthMax(buckets)) continue;
    for (const field of buckets.fields) {
      const value = numberAt(event, field.field);
      if (value === undefined) continue;
      addSample(field, index, value);
      isNew = true;
    }
  }
  return isNew;
}

/** Bounds the buckets of a plot between two samples. */
function lengthMax(buckets: Buckets): number {
  return 2 * Math.max(512, ...buckets.fields.map((field) => field.count.length));
}

function addSample(field: FieldSample, index: number, value: number): void {
  while (field.count.length <= index) {
    field.count.push(0);
    field.min.push(null);
    field.max.push(null);
    field.mean.push(null);
  }
  const count = field.count[index] ?? 0;
  field.count[index] = count + 1;
  field.min[index] = Math.min(field.min[index] ?? value, value);
  field.max[index] = Math.max(field.max[index] ?? value, value);
  field.mean[index] = ((field.mean[index] ?? 0) * count + value) / (count + 1);
}

/** The last bucket that is not empty; -1 if all are. */
export function lastFilled(buckets: Buckets): number {
  const lengths = buckets.fields.map(({ count }) => {
    let index = count.length - 1;
    while (index >= 0 && count[index] === 0) index -= 1;
    return index;
  });
  return Math.max(-1, ...lengths);
}

/**
 * A column for drawing: `undefined` where the line continues over an empty bucket, `null` in every bucket of a
 * silence that is much longer than usual: a chart breaks only as much of a line as is null.
 */
export function lineColumn(count: readonly number[], values: readonly (number | null)[]): (number | null | undefined)[] {
  const filled: number[] = [];
  count.forEach((one, index) => one > 0 && filled.push(index));
  const breakAfter = Math.max(GAP_FACTOR * usualDistance(filled), GAP_SHARE * count.length);
  const column: (number | null | undefined)[] = new Array<undefined>(values.length).fill(undefined);
  filled.forEach((index, nth) => {
    column[index] = values[index] ?? null;
    const next = filled[nth + 1];
    if (next !== undefined && next - index > breakAfter) column.fill(null, index + 1, next);
  });
  return column;
}

function usualDistance(filled: readonly number[]): number {
  const distances = filled.slice(1).map((index, nth) => index - (filled[nth] ?? 0));
  distances.sort((left, right) => left - right);
  return distances[Math.floor(distances.length / 2)] ?? 1;
}

/** The middles of the buckets, in ms. */
export function middles(buckets: Buckets): number[] {
  const length = Math.max(0, ...buckets.fields.map((field) => field.count.length));
  return Array.from({ length }, (_, index) => buckets.startMs + (index + 0.5) * buckets.bucketMs);
}
