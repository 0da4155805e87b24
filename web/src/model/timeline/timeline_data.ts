/** The timeline's data: density tiles, the extent of the archive, and markers. */

import { batch, computed, signal } from "@preact/signals";
import type { ExtentResponse, GivenBackInfo, Query, SummaryResponse } from "../../api/protocol";
import { RequestError } from "../../api/socket";
import { scheduler } from "../../scheduler";
import { cursor, datedAheadQueue, state, timebase, type Timebase } from "../clock/clock";
import { dueInArchive } from "../clock/dated_ahead";
import { isResting, REST_INTERVAL_MS } from "../clock/rest";
import { mergeEvents } from "../events/ledger";
import { connection, request } from "../session/session";
import { eventTime, type StoredEvent } from "../values/event";
import { compareTimes, fromFineMs, fromMs, toFineMs, toMs } from "../values/time";
import {
  bestTile,
  type DensityRequest,
  densityRequest,
  type DensityTile,
  isTooCoarse,
  requestedSpan,
  SINGLE_MAX_EVENTS,
  tailRequest,
  tileFromEvents,
  tileOf,
  tiles,
  tileServes,
  withTail,
  withTile,
} from "./density";
import { alarmMarkersOf, commandMarkersOf, type Marker, MARKER_TYPES, MARKERS_MAX, markersOf } from "./markers";
import { type Span, spanLength, visible, withMargin } from "./span";

/** First and last time of the events that are not dated ahead, in ms, and their number. */
export interface Extent extends Span {
  readonly timebase: Timebase;
  readonly events: number;
  /** The events that are dated ahead of now; absent if there are none. */
  readonly ahead?: DatedAhead;
  /** What retention has deleted; absent if nothing. */
  readonly givenBack?: readonly GivenBackInfo[];
}

/** Events that are dated ahead of now. */
export interface DatedAhead {
  /** The server counts no more than `AHEAD_MAX`. */
  readonly count: number;
  readonly nextTime: string;
  readonly lastMs: number;
}

export const AHEAD_MAX = 1_000;

/** How long a move has to rest before a request is sent, in ms. */
const REST_MS = 90;
/** Refresh interval of tiles that show the present, and of older ones, for late data. */
const FRESH_MS = 1_000;
const PAST_FRESH_MS = 20_000;
/** However wide its buckets are, the newest one is counted again this often. */
const WIDE_FRESH_MS = 5_000;
const RETRY_MS = 3_000;
/** Most results that are read of the commands in view. */
const ANSWERS_MAX = 2_000;
/** Most transitions of alarms that are read of the span in view. */
const ALARM_CHANGES_MAX = 2_000;

/** Undefined until it is known, null while the archive is empty. */
export const extent = signal<Extent | null | undefined>(undefined);
export const markers = signal<readonly Marker[]>([]);
/** Whether there are more markers in the span than are shown. */
export const moreMarkers = signal(false);
/** Whether there are more changes of alarms in the span, earlier than those that are shown. */
export const moreAlarms = signal(false);
/** Why the density cannot be shown; empty if it can. */
export const timelineError = signal("");
/** How often the present is read. */
export const PRESENT_INTERVAL_MS = 500;
/** The present by this browser's clock, in ms. */
export const presentMs = signal(Date.now());
/** The offset of the server's clock from this browser's, in ms. */
const serverOffsetMs = signal(0);
/** By how much more the offset may be, as the reply that said it took a while. */
const offsetDoubtMs = signal(0);
/** The latest that now may be by the server's clock, as this browser knows it; in LIVE not before the clock. */
export const latestNow = computed(() => {
  const found = fromMs(presentMs.value + PRESENT_INTERVAL_MS + serverOffsetMs.value + offsetDoubtMs.value);
  return state.value === "LIVE" && compareTimes(cursor.value, found) > 0 ? cursor.value : found;
});
/** The width of the timeline in pixels. */
export const timelineWidth = signal(0);

const rest = scheduler.slot();
let busy = false;
let notBeforeMs = 0;
let markersFor: (Span & { timebase: Timebase; askedMs: number }) | undefined;

/** Request the data that is missing or stale, once moves have come to rest. */
export function requestTimelineData(): void {
  rest.startIfIdle(REST_MS, () => {
    if (!busy) void refreshTimelineData();
  });
}

/** Mark all data as stale: after a lost connection anything may have changed. */
export function invalidateTimelineData(): void {
  tiles.value = tiles.value.map((one) => ({ ...one, askedMs: 0 }));
  markersFor = undefined;
  notBeforeMs = 0;
  requestTimelineData();
}

async function refreshTimelineData(): Promise<void> {
  if (connection.value !== "open" || timelineWidth.value === 0 || Date.now() < notBeforeMs) return;
  busy = true;
  try {
    await refreshDensity();
    await refreshMarkers();
    timelineError.value = "";
  } catch (error) {
    reportError(error);
    notBeforeMs = Date.now() + RETRY_MS;
  } finally {
    busy = false;
  }
  if (!isTimelineFresh(Date.now())) requestTimelineData();
}

function reportError(error: unknown): void {
  // The banner reports a lost connection.
  if (error instanceof RequestError && error.code === "disconnected") return;
  timelineError.value = (error as Error).message;
}

/** Whether the timeline has to be requested by itself. A paused one is not: what it has not loaded is grey. */
export function isTimelineDue(nowMs: number): boolean {
  if (!isResting() || servingTile() === undefined) return !isTimelineFresh(nowMs);
  return timelineError.value !== "";
}

/** Up to when the shown tile counts, in ms of the server's clock; undefined while it is kept up to date. */
export const loadedUntilMs = computed(() => {
  const found = isResting() ? shownTile() : undefined;
  return found === undefined ? undefined : found.askedMs + serverOffsetMs.value;
});

function servingTile(): DensityTile | undefined {
  return tiles.value.find((one) => tileServes(one, visible.value, timelineWidth.value, timebase.value));
}

/** Whether the newest suitable tile is fresh enough at a time of this browser's clock. */
export function isTimelineFresh(nowMs: number): boolean {
  const span = visible.value;
  const found = servingTile();
  if (found === undefined) return false;
  const bound = isPresent(span, nowMs) ? Math.max(presentFreshMs(), Math.min(found.bucketMs / 2, WIDE_FRESH_MS)) : PAST_FRESH_MS;
  return nowMs - found.askedMs < bound;
}

function presentFreshMs(): number {
  return isResting() ? REST_INTERVAL_MS : FRESH_MS;
}

function isPresent(span: Span, nowMs: number): boolean {
  const latest = extent.value?.stopMs ?? nowMs;
  return span.stopMs >= Math.min(nowMs, latest) - FRESH_MS;
}

async function refreshDensity(): Promise<void> {
  const nowMs = Date.now();
  if (isTimelineFresh(nowMs) || (await continueTile(nowMs))) return;
  const query = densityRequest(visible.value, timelineWidth.value, timebase.value);
  const picture = tileOf(query, await requestSummary(query), nowMs);
  tiles.value = withTile(tiles.value, picture);
  if (isTooCoarse(picture)) await refineTile(picture);
}

/** Request only what is new in the tile in view; false if it has to be requested whole. */
async function continueTile(nowMs: number): Promise<boolean> {
  const known = tiles.value.find((one) => tileServes(one, visible.value, timelineWidth.value, timebase.value));
  const query = known === undefined ? undefined : tailRequest(known, nowMs, nowMs + serverOffsetMs.value);
  if (known === undefined || query === undefined) return false;
  const next = withTail(known, await requestSummary(query), nowMs);
  if (next !== undefined) tiles.value = withTile(tiles.value, next);
  return next !== undefined;
}

async function requestSummary(query: DensityRequest): Promise<SummaryResponse> {
  const { startMs, stopMs } = requestedSpan(query);
  const range = { startTime: fromFineMs(startMs), stopTime: fromFineMs(stopMs) };
  return request({ type: "summary", ...range, timebase: query.timebase, buckets: query.buckets }, "summaryResponse");
}

/** Replace a tile whose buckets would be visible as such by one made of single events. */
async function refineTile(picture: DensityTile): Promise<void> {
  const { events, nextKey } = await request(
    {
      type: "query",
      startTime: fromFineMs(picture.span.startMs),
      stopTime: fromFineMs(picture.span.stopMs),
      timebase: picture.timebase,
      limit: SINGLE_MAX_EVENTS,
      timelineMode: "REPLAY",
    },
    "queryResponse",
  );
  if (nextKey != null) return;
  const found = (events as StoredEvent[]).map((event) => ({
    ms: toFineMs(eventTime(event, picture.timebase)),
    lane: event.lane,
  }));
  tiles.value = withTile(tiles.value, tileFromEvents(picture, found));
}

async function refreshMarkers(): Promise<void> {
  const nowMs = Date.now();
  const key = { ...visible.value, timebase: timebase.value, askedMs: nowMs };
  if (markersFor !== undefined && areMarkersFresh(markersFor, key)) return;
  const reply = await request(
    {
      type: "query",
      startTime: fromFineMs(key.startMs),
      stopTime: fromFineMs(key.stopMs),
      timebase: key.timebase,
      reverse: true,
      limit: MARKERS_MAX,
      timelineMode: state.value === "LIVE" ? "LIVE" : "REPLAY",
      filters: { lanes: ["metadata"], messageTypes: [...MARKER_TYPES] },
    },
    "queryResponse",
  );
  const commands = await commandMarkers(key);
  const alarms = await alarmMarkers(key);
  markersFor = key;
  batch(() => {
    markers.value = [...markersOf(reply.events as StoredEvent[], key.timebase), ...commands, ...alarms.found];
    moreAlarms.value = alarms.isCut;
    moreMarkers.value = typeof reply.nextKey === "string";
  });
}

/** The markers of the newest commands in a span, with their feedback, including feedback after the span. */
async function commandMarkers(span: Span & { timebase: Timebase }): Promise<Marker[]> {
  const startTime = fromFineMs(span.startMs);
  const ask = { type: "query", timebase: span.timebase, startTime, timelineMode: "REPLAY" } as const;
  const requests = await request(
    {
      ...ask,
      stopTime: fromFineMs(span.stopMs),
      reverse: true,
      limit: MARKERS_MAX,
      filters: { lanes: ["command"], messageTypes: ["CommandRequest"] },
    },
    "queryResponse",
  );
  if (requests.events.length === 0) return [];
  const oldest = requests.events.at(-1) as unknown as StoredEvent;
  const answers = await queryAnswers({
    ...ask,
    startTime: requests.nextKey == null ? startTime : eventTime(oldest, span.timebase),
    filters: { lanes: ["command"], messageTypes: ["CommandProgress", "CommandResult"] },
  });
  const events = [...requests.events, ...answers] as unknown as StoredEvent[];
  return commandMarkersOf(mergeEvents([], events, span.timebase), span.timebase);
}

/** The markers of the newest changes of alarms in a span. */
async function alarmMarkers(span: Span & { timebase: Timebase }): Promise<{ found: Marker[]; isCut: boolean }> {
  const ends = { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
  const message = { type: "alarmHistory", timebase: span.timebase, reverse: true, limit: ALARM_CHANGES_MAX, ...ends } as const;
  const { transitions, nextKey } = await request(message, "alarmHistoryResponse");
  return { found: alarmMarkersOf(transitions), isCut: nextKey != null };
}

/** The first feedback to commands, over as many pages as needed. */
async function queryAnswers(query: Omit<Query, "limit" | "afterKey">): Promise<unknown[]> {
  const found: unknown[] = [];
  let afterKey: string | null | undefined;
  do {
    const limit = ANSWERS_MAX - found.length;
    const reply = await request({ ...query, limit, ...(afterKey == null ? {} : { afterKey }) }, "queryResponse");
    found.push(...reply.events);
    afterKey = reply.nextKey;
  } while (afterKey != null && found.length < ANSWERS_MAX);
  return found;
}

/** Markers are requested again when the span has changed by more than a twentieth, or they are old. */
function areMarkersFresh(known: NonNullable<typeof markersFor>, now: NonNullable<typeof markersFor>): boolean {
  const off = Math.abs(known.startMs - now.startMs) + Math.abs(known.stopMs - now.stopMs);
  const fresh = isPresent(now, now.askedMs) ? Math.max(5 * FRESH_MS, presentFreshMs()) : PAST_FRESH_MS;
  return (
    known.timebase === now.timebase && off < spanLength(now) / 20 && now.askedMs - known.askedMs < fresh
  );
}

/** Request the first and last time of the archive. */
export async function refreshExtent(): Promise<void> {
  const [base, askedMs] = [timebase.value, Date.now()];
  const reply = await request({ type: "extent", timebase: base }, "extentResponse");
  if (base !== timebase.value) return;
  const before = extent.value?.ahead;
  // Several events dated ahead may have become due, not only the first.
  if (before !== undefined && before.count > 1 && toFineMs(before.nextTime) <= toFineMs(reply.time)) dueInArchive.value++;
  if (reply.nextTime != null) datedAheadQueue.expectAt(reply.nextTime);
  const repliedMs = Date.now();
  serverOffsetMs.value = toMs(reply.time) - repliedMs;
  offsetDoubtMs.value = repliedMs - askedMs;
  extent.value = extentOf(reply, base);
}

/** The first and last time of events as of now; null if the archive is empty. */
export function extentOf(reply: ExtentResponse, of: Timebase): Extent | null {
  const { time, startTime, presentTime, nextTime, stopTime, events } = reply;
  if (startTime == null || stopTime == null) return null;
  const lastMs = toFineMs(stopTime);
  return {
    // If all events are dated ahead, the extent as of now is the moment now.
    startMs: toFineMs(presentTime == null ? time : startTime),
    stopMs: toFineMs(presentTime ?? time),
    events,
    timebase: of,
    ...(nextTime == null ? {} : { ahead: { count: reply.ahead ?? 0, nextTime, lastMs } }),
    ...(reply.givenBack === undefined ? {} : { givenBack: reply.givenBack }),
  };
}

/** The span that shows the whole archive; undefined while it is empty. */
export function fullSpan(): Span | undefined {
  const known = extent.value;
  if (known == null || known.timebase !== timebase.value) return undefined;
  return withMargin(known.startMs, known.stopMs);
}

/** The tile to draw. */
export function shownTile() {
  return bestTile(tiles.value, visible.value, timelineWidth.value, timebase.value);
}
