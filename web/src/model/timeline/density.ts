/**
 * The density of events over the visible span: tiles of counts per bucket and lane, cached by level.
 *
 * A tile covers more than is visible, so that panning has something to show. One request is in flight;
 * a newer one replaces a waiting one, and the best cached tile is shown meanwhile.
 */

import { signal } from "@preact/signals";
import type { SummaryResponse } from "../../api/protocol";
import type { Timebase } from "../clock/clock";
import { toFineMs } from "../values/time";
import { type Span, spanLength, TIME_MAX_MS, TIME_MIN_MS } from "./span";

export const DENSITY_LANES = ["raw", "parsed", "ui", "metadata", "command"] as const;
export type DensityLane = (typeof DENSITY_LANES)[number];

/** Counts per bucket and lane; bucket i begins at startMs + i * bucketMs. */
export interface DensityTile {
  readonly timebase: Timebase;
  /** The span that was requested. */
  readonly span: Span;
  readonly startMs: number;
  readonly bucketMs: number;
  readonly lanes: Readonly<Record<DensityLane, readonly number[]>>;
  /** The requested level. */
  readonly level: number;
  readonly askedMs: number;
  /** When all of it was requested, if that was before `askedMs`. */
  readonly wholeMs?: number;
}

/** A request for a tile. */
export interface DensityRequest {
  readonly timebase: Timebase;
  readonly span: Span;
  readonly level: number;
  readonly buckets: number;
}

/** The server's bound on buckets. */
const BUCKETS_MAX = 4096;
/** Most buckets in view: a tile is about twice as wide as the view. */
const BUCKETS_SHOWN_MAX = 1800;
/** Requested spans are aligned to this many buckets, so that small moves need no request. */
const GRAIN_BUCKETS = 64;
const TILES_MAX = 24;
/** How far behind the last request new events are looked for, in ms; those that are later come with the whole tile. */
const TAIL_MS = 5_000;
/** A tile that is continued is requested whole at this interval. */
const WHOLE_INTERVAL_MS = 60_000;
const GRID_TOLERANCE = 1e-3;
const EDGE_SHARE = 0.25;

/** Up to this many events are queried one by one where the server's buckets are too coarse. */
export const SINGLE_MAX_EVENTS = 500;

export const tiles = signal<readonly DensityTile[]>([]);

/** log2 of the bucket width in ns, so that there is at most one bucket per pixel. */
export function levelFor(span: Span, width: number): number {
  const buckets = Math.max(1, Math.min(width, BUCKETS_SHOWN_MAX));
  return Math.max(0, Math.ceil(Math.log2((spanLength(span) * 1e6) / buckets)));
}

/** The request for a span on this many pixels, with half of its length more on each side. */
export function densityRequest(span: Span, width: number, timebase: Timebase): DensityRequest {
  const level = levelFor(span, width);
  const bucketMs = 2 ** level / 1e6;
  const grain = bucketMs * GRAIN_BUCKETS;
  const half = spanLength(span) / 2;
  const startMs = Math.max(TIME_MIN_MS, Math.floor((span.startMs - half) / grain) * grain);
  const stopMs = Math.min(TIME_MAX_MS, Math.ceil((span.stopMs + half) / grain) * grain);
  const buckets = Math.min(BUCKETS_MAX, Math.max(1, Math.round((stopMs - startMs) / bucketMs)));
  return { timebase, span: { startMs, stopMs }, level, buckets };
}

/**
 * The times of a request, within its first bucket and its last one: a rounded edge could belong to the bucket beside,
 * of which the server then answers coarser ones.
 */
export function requestedSpan({ span, level }: DensityRequest): Span {
  const inside = (2 ** level / 1e6) * EDGE_SHARE;
  return { startMs: span.startMs + inside, stopMs: span.stopMs - inside };
}

/** A reply as a tile. */
export function tileOf(query: DensityRequest, reply: SummaryResponse, askedMs: number): DensityTile {
  const { lanes } = reply;
  return {
    timebase: query.timebase,
    span: query.span,
    startMs: toFineMs(reply.startTime),
    bucketMs: reply.bucketNs / 1e6,
    lanes,
    level: query.level,
    askedMs,
  };
}

/**
 * The request for what is new in a tile at a time of the server: its last buckets up to now. Undefined where
 * the tile is of single events, ends before now, or was requested whole long ago, so that late data comes.
 */
export function tailRequest(known: DensityTile, nowMs: number, serverMs: number): DensityRequest | undefined {
  const { bucketMs, span, level, timebase } = known;
  if (bucketMs * 1e6 !== 2 ** level || nowMs - (known.wholeMs ?? known.askedMs) > WHOLE_INTERVAL_MS) return undefined;
  const sinceMs = serverMs - (nowMs - known.askedMs) - Math.max(TAIL_MS, 2 * bucketMs);
  const first = Math.floor((sinceMs - known.startMs) / bucketMs);
  const last = Math.ceil((serverMs - known.startMs) / bucketMs) + 1;
  const end = Math.min(last, Math.floor((span.stopMs - known.startMs) / bucketMs));
  const buckets = end - first;
  const at = (place: number) => known.startMs + place * bucketMs;
  if (first < 0 || buckets < 1 || at(end) < serverMs) return undefined;
  return { timebase, span: { startMs: at(first), stopMs: at(end) }, level, buckets };
}

/** A tile with the buckets of a reply in place of its own; undefined if they are not on one grid. */
export function withTail(known: DensityTile, reply: SummaryResponse, askedMs: number): DensityTile | undefined {
  const offset = (toFineMs(reply.startTime) - known.startMs) / known.bucketMs;
  const at = Math.round(offset);
  if (reply.bucketNs !== known.bucketMs * 1e6 || at < 0 || Math.abs(offset - at) > GRID_TOLERANCE) return undefined;
  const lanes = Object.fromEntries(
    DENSITY_LANES.map((lane) => [lane, withPart(known.lanes[lane], at, reply.lanes[lane], 0)]),
  ) as unknown as Record<DensityLane, readonly number[]>;
  return { ...known, lanes, askedMs, wholeMs: known.wholeMs ?? known.askedMs };
}

/** Values with a part of them replaced; `none` stands where there was no value before the part. */
export function withPart<Value>(values: readonly Value[], at: number, part: readonly Value[], none: Value): Value[] {
  const head = Array.from({ length: at }, (_, index) => values[index] ?? none);
  return [...head, ...part, ...values.slice(at + part.length)];
}

/** Whether the buckets are visibly coarse and the events few enough to be queried one by one. */
export function isTooCoarse(picture: DensityTile): boolean {
  if (picture.bucketMs * 1e6 < 2 ** (picture.level + 1)) return false;
  const count = countIn(picture, picture.span);
  return count > 0 && count <= SINGLE_MAX_EVENTS;
}

/** A tile made of single events, as fine as the requested level. */
export function tileFromEvents(of: DensityTile, events: readonly { ms: number; lane: DensityLane }[]): DensityTile {
  const bucketMs = 2 ** of.level / 1e6;
  const buckets = Math.ceil(spanLength(of.span) / bucketMs) + 1;
  const empty = () => Array.from({ length: buckets }, () => 0);
  const lanes = { raw: empty(), parsed: empty(), ui: empty(), metadata: empty(), command: empty() };
  for (const { ms, lane } of events) {
    const index = Math.max(0, Math.floor((ms - of.span.startMs) / bucketMs));
    lanes[lane][index] = (lanes[lane][index] ?? 0) + 1;
  }
  return { ...of, startMs: of.span.startMs, bucketMs, lanes };
}

/** Whether a tile covers a span as finely as the screen can show it. */
export function tileServes(picture: DensityTile, span: Span, width: number, timebase: Timebase): boolean {
  const fine = picture.level <= levelFor(span, width);
  return fine && picture.timebase === timebase && tileCovers(picture, span);
}

function tileCovers(picture: DensityTile, span: Span): boolean {
  return picture.span.startMs <= span.startMs && picture.span.stopMs >= span.stopMs;
}

/** The best tile for a span: the one that covers most of it, then the one nearest to its level. */
export function bestTile(
  all: readonly DensityTile[],
  span: Span,
  width: number,
  timebase: Timebase,
): DensityTile | undefined {
  let found: DensityTile | undefined;
  let foundScore = 0;
  for (const picture of all) {
    if (picture.timebase !== timebase) continue;
    const score = scoreOf(picture, span, width);
    if (score > foundScore) [found, foundScore] = [picture, score];
  }
  return found;
}

function scoreOf(picture: DensityTile, span: Span, width: number): number {
  const low = Math.max(picture.span.startMs, span.startMs);
  const high = Math.min(picture.span.stopMs, span.stopMs);
  if (high <= low) return 0;
  const off = Math.abs(picture.level - levelFor(span, width));
  return (high - low) / spanLength(span) / (1 + off / 8);
}

/** The tiles with a new one in front; those that it replaces are removed, and the oldest beyond the bound. */
export function withTile(all: readonly DensityTile[], newest: DensityTile): readonly DensityTile[] {
  const others = all.filter((one) => {
    const same = one.timebase === newest.timebase && one.level === newest.level;
    return !(same && tileCovers(newest, one.span));
  });
  return [newest, ...others].slice(0, TILES_MAX);
}

/** The counts of the bucket that a time lies in. */
export function countsAt(picture: DensityTile, ms: number): Record<DensityLane, number> {
  const index = Math.floor((ms - picture.startMs) / picture.bucketMs);
  const counts = DENSITY_LANES.map((lane) => [lane, picture.lanes[lane][index] ?? 0] as const);
  return Object.fromEntries(counts) as Record<DensityLane, number>;
}

/** The number of events of all lanes that a tile has in a span; buckets at its ends count whole. */
export function countIn(picture: DensityTile, span: Span): number {
  const first = Math.max(0, Math.floor((span.startMs - picture.startMs) / picture.bucketMs));
  const last = Math.floor((span.stopMs - picture.startMs) / picture.bucketMs);
  let count = 0;
  for (const lane of DENSITY_LANES) {
    const counts = picture.lanes[lane];
    for (let index = first; index <= last && index < counts.length; index++) count += counts[index] ?? 0;
  }
  return count;
}
