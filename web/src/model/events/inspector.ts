/** The event inspector: one page of a bounded query over any lane, and the event shown in full. */

import { batch, computed, signal } from "@preact/signals";
import type { Query, QueryResponse } from "../../api/protocol";
import { backwards, cursor, jumps, queryBound, rate, seek, state, timebase } from "../clock/clock";
import { selectedEntity, UNSTREAMED_LANES } from "../entities/entities";
import { ALL_LANES } from "../entities/entity_tree";
import { Emitter } from "../../emitter";
import { request } from "../session/session";
import { selection, spanContains, visible } from "../timeline/span";
import { extent } from "../timeline/timeline_data";
import { entityKey, eventTime, type Lane, type StoredEvent } from "../values/event";
import { compareTimes, fromFineMs, fromNs, toFineMs, toNs } from "../values/time";
import { mergeEvents } from "./ledger";

const PAGE_EVENTS = 50;
/** A list that is queried is read this far ahead of a clock that moves forwards. */
const LEAD_MS = 500;
/** Backwards more are read ahead: the clock takes them away one by one. */
const AHEAD_EVENTS = 500;

/** A followed list is requested whole at this interval, and in between what of it is new and not streamed. */
const WHOLE_INTERVAL_MS = 30_000;

/** The queried times: up to the clock, the visible or selected span, the events dated ahead of now, or those that came after a link. */
export type InspectorRange = "clock" | "visible" | "selection" | "ahead" | "late";

export const inspectorRange = signal<InspectorRange>("clock");
/** The queried lanes; empty means all. */
export const inspectorLanes = signal<ReadonlySet<Lane>>(new Set());
/** Whether only events of the selected entity are listed. */
export const inspectorSelectedOnly = signal(true);
/** The queried messageType; empty means any. */
export const inspectorType = signal("");
/** The late events of the link that is shown, by source time; null without such a link. They are listed without a query. */
const lateEvents = signal<readonly StoredEvent[] | null>(null);
/** Whether the page was opened by a link of which late events can be listed. */
export const hasLate = computed(() => lateEvents.value !== null);

/** The events of the page as they were received, with those that were streamed since. */
const knownEvents = signal<readonly StoredEvent[] | null>(null);
/** The listed events, the newest first; up to the clock, also while the clock has left those that were read. */
export const inspectorEvents = computed<readonly StoredEvent[] | null>(() => {
  const found = knownEvents.value;
  if (found === null || state.value === "LIVE" || isListHeld.value || inspectorRange.value !== "clock") return found;
  const first = found.findIndex((event) => compareTimes(eventTime(event, timebase.value), cursor.value) <= 0);
  return first < 0 ? [] : found.slice(first, first + PAGE_EVENTS);
});
const isReverse = computed(() => state.value === "PLAYING" && backwards.value);
/** Whether all events that were read ahead are passed, while there are more. */
export const isReadAheadDue = computed(() => {
  const left = inspectorEvents.value?.length ?? 0;
  return isReverse.value && !isListHeld.value && left < PAGE_EVENTS && nextKey.value !== null;
});
export const nextKey = signal<string | null>(null);
export const inspectorError = signal("");
/** Whether a reply is awaited. */
export const isInspectorPending = signal(false);
export const inspectedEvent = signal<StoredEvent | null>(null);
/** The `afterKey` of every page up to the current one; the first has none. */
const pageKeys = signal<readonly (string | null)[]>([null]);
export const pageNumber = computed(() => pageKeys.value.length);
/** Whether the list is frozen because the user is reading it. */
export const isListHeld = signal(false);

let requestCount = 0;
/** What the list was requested whole of, and when. */
let whole = { key: "", askedMs: 0 };
/** What has been read: LIVE of the lanes that are not streamed up to this receive time, in a replay up to this time. */
let readUntil: string | undefined;
/** Emits the events that a list that is continued LIVE has received. */
export const receivedEvents = new Emitter<[events: readonly StoredEvent[]]>();
let isOwnJump = false;
/** What was streamed while a reply was awaited. */
let earlyEvents: StoredEvent[] = [];
/** Whether streamed events have pushed others off the page. */
let isCutShort = false;

/** Everything that the query depends on, except the clock. */
export const inspectorQueryKey = computed(() =>
  JSON.stringify([
    ...[inspectorRange.value, [...inspectorLanes.value], inspectorSelectedOnly.value, inspectorType.value],
    ...[inspectorSelectedOnly.value && selectedEntity.value, inspectorRange.value === "late" && lateEvents.value?.map(({ eventId }) => eventId)],
  ]),
);

/** Query again from the first page. */
export async function refreshInspector(): Promise<void> {
  isListHeld.value = false;
  pageKeys.value = [null];
  await requestPage([null]);
}

/** Whether the list follows the clock. */
function isFollowing(): boolean {
  return !isListHeld.value && pageNumber.value === 1 && (inspectorRange.value === "clock" || inspectorRange.value === "visible");
}

/** Refresh the current page. */
export async function followInspector(): Promise<void> {
  if (isFollowing() && !(await continuePage())) await requestPage([null]);
}

/**
 * Request only what is new: LIVE of the lanes that are not streamed, in a replay what the clock will reach, of all lanes,
 * so that none is ahead of another. False if the page has to be requested whole.
 */
async function continuePage(): Promise<boolean> {
  const query = inspectorQuery(null);
  const isRecent = whole.key === wholeKey() && Date.now() - whole.askedMs < WHOLE_INTERVAL_MS;
  if (query === undefined || readUntil === undefined || isReverse.value || !isRecent) return false;
  const isLive = state.value === "LIVE";
  const { startTime, stopTime, ...others } = query;
  const after = fromNs(toNs(readUntil) + 1n);
  if (!isLive && (stopTime == null || compareTimes(stopTime, after) < 0)) return true;
  const mine = ++requestCount;
  const times = isLive ? { timebase: "canonical" as const, startTime: after } : { startTime: after, stopTime: stopTime as string };
  const filters = isLive ? { ...others.filters, lanes: queriedLanes.value } : others.filters;
  const reply = await request({ ...others, ...times, filters: filters ?? {} }, "queryResponse").catch(() => undefined);
  if (mine !== requestCount) return true;
  // A failure is reported by the request of the whole page.
  if (reply === undefined || reply.nextKey != null) return false;
  const isWanted = (event: StoredEvent) => {
    const time = eventTime(event, timebase.value);
    return (startTime == null || compareTimes(startTime, time) <= 0) && (stopTime == null || compareTimes(time, stopTime) <= 0);
  };
  const events = reply.events as StoredEvent[];
  readUntil = isLive ? newestReceived(events, readUntil) : (stopTime as string);
  const wanted = events.filter(isWanted);
  knownEvents.value = withEvents(knownEvents.value ?? [], wanted);
  if (isLive) receivedEvents.emit(wanted);
  return true;
}

/** The latest receive time of events and of those before. */
function newestReceived(events: readonly StoredEvent[], before?: string): string | undefined {
  const times = events.map(({ canonicalTruthTime }) => canonicalTruthTime);
  return times.reduce((one, other) => (one === undefined || compareTimes(one, other) < 0 ? other : one), before);
}

/** What a page that is continued depends on. */
function wholeKey(): string {
  return JSON.stringify([inspectorQueryKey.value, timebase.value, jumps.value, state.value]);
}

/** Whether a type is named: the audit trail is listed only then, and is not streamed. */
const isOfType = computed(() => inspectorType.value.trim() !== "");
/** The listed lanes of which the stream brings nothing. */
const queriedLanes = computed<Lane[]>(() => {
  const lanes = inspectorLanes.value;
  if (isOfType.value) return lanes.size === 0 ? [...ALL_LANES] : [...lanes];
  return UNSTREAMED_LANES.filter((lane) => lanes.size === 0 || lanes.has(lane));
});
/** Whether all listed lanes are streamed; parsed and raw are only queried. */
export const isListStreamed = computed(() => queriedLanes.value.length === 0);
/** Whether the list follows a clock of which new events have to be requested: LIVE, or forwards up to the clock. */
export const isListQueried = computed(() => {
  if (isListStreamed.value) return false;
  return state.value === "LIVE" || (state.value === "PLAYING" && !backwards.value && inspectorRange.value === "clock");
});

/** Add streamed events LIVE, and in a replay to a list of streamed lanes, which needs no request. */
export function applyToInspector(events: readonly StoredEvent[]): void {
  if (isReverse.value || !isFollowing() || isOfType.value) return;
  if (state.value === "PLAYING" && !isListStreamed.value) return;
  const isWanted = eventMatcher();
  const found = isWanted === undefined ? [] : events.filter(isWanted);
  if (found.length === 0) return;
  if (isInspectorPending.peek()) earlyEvents.push(...found);
  else knownEvents.value = withEvents(knownEvents.value ?? [], found);
}

/** A page with more events: each once, the newest first. What falls off it is not what the next page begins with. */
function withEvents(known: readonly StoredEvent[], added: readonly StoredEvent[]): readonly StoredEvent[] {
  const all = mergeEvents(known, added, timebase.value);
  if (all.length > PAGE_EVENTS) isCutShort = true;
  // In a replay some of them are ahead of the clock.
  return all.slice(state.value === "PLAYING" ? -AHEAD_EVENTS : -PAGE_EVENTS).reverse();
}

/** What the query selects, except by time up to the clock; undefined if it selects nothing. */
function eventMatcher(): ((event: StoredEvent) => boolean) | undefined {
  const entity = selectedEntity.value;
  if (inspectorSelectedOnly.value && entity === null) return undefined;
  const wanted = inspectorSelectedOnly.value && entity !== null ? entityKey(entity) : undefined;
  const [lanes, type] = [inspectorLanes.value, inspectorType.value.trim()];
  const span = inspectorRange.value === "visible" ? visible.value : undefined;
  return (event) => {
    if (lanes.size > 0 && !lanes.has(event.lane)) return false;
    if (type !== "" && event.messageType !== type) return false;
    if (wanted !== undefined && entityKey(event) !== wanted) return false;
    return span === undefined || spanContains(span, toFineMs(eventTime(event, timebase.value)));
  };
}

/** Go to the next page. */
export async function olderPage(): Promise<void> {
  // The key is behind the events of the reply, and streamed ones have pushed some of them off the page.
  if (isCutShort) await requestPage([null]);
  const key = nextKey.value;
  if (key === null) return;
  isListHeld.value = true;
  await requestPage([...pageKeys.value, key]);
}

/** Go to the previous page. */
export async function newerPage(): Promise<void> {
  if (pageNumber.value > 1) await requestPage(pageKeys.value.slice(0, -1));
}

/** Show an event in full, and seek to its time; LIVE goes on, as nobody leaves the present by a press. */
export function inspectEvent(event: StoredEvent): void {
  isListHeld.value = true;
  inspectedEvent.value = event;
  if (state.value === "LIVE") return;
  isOwnJump = true;
  seek(eventTime(event, timebase.value));
}

/** Whether the clock's last jump was to an event of the list; the list then stays as it is. */
export function consumeOwnJump(): boolean {
  const was = isOwnJump;
  isOwnJump = false;
  return was;
}

/** List all events that are dated ahead. */
export function listDatedAhead(): void {
  [inspectorRange.value, inspectorSelectedOnly.value, inspectorLanes.value, inspectorType.value] = ["ahead", false, new Set(), ""];
}

/** What came late to the link that is shown; `isShown` lists all of it. */
export function listLate(events: readonly StoredEvent[] | null, isShown = false): void {
  lateEvents.value = events;
  if (!isShown) return;
  [inspectorRange.value, inspectorSelectedOnly.value, inspectorLanes.value, inspectorType.value] = ["late", false, new Set(), ""];
}

/** Where there is no such link there are no late events: events are listed up to the clock again. */
export function listNoLate(): void {
  if (inspectorRange.value === "late") inspectorRange.value = "clock";
}

/** Add a lane to the filter, or remove it. */
export function toggleLane(lane: Lane): void {
  const next = new Set(inspectorLanes.value);
  if (!next.delete(lane)) next.add(lane);
  inspectorLanes.value = next;
}

async function requestPage(keys: readonly (string | null)[]): Promise<void> {
  const mine = ++requestCount;
  const query = inspectorQuery(keys.at(-1) ?? null);
  if (query === undefined) {
    [knownEvents.value, nextKey.value, pageKeys.value] = [[], null, [null]];
    return;
  }
  const asked = { key: keys.length === 1 ? wholeKey() : "", askedMs: Date.now() };
  [isInspectorPending.value, earlyEvents] = [true, []];
  try {
    const reply = inspectorRange.peek() === "late" ? latePage(keys.at(-1) ?? null) : await request(query, "queryResponse");
    if (mine !== requestCount) return;
    [isCutShort, whole] = [false, asked];
    const found = reply.events as StoredEvent[];
    readUntil = state.value === "LIVE" ? newestReceived(found) : (query.stopTime ?? undefined);
    batch(() => {
      knownEvents.value = earlyEvents.length === 0 ? found : withEvents(found, earlyEvents);
      nextKey.value = reply.nextKey ?? null;
      pageKeys.value = keys;
      inspectorError.value = "";
    });
  } catch (error) {
    if (mine === requestCount) inspectorError.value = (error as Error).message;
    throw error;
  } finally {
    if (mine === requestCount) [isInspectorPending.value, earlyEvents] = [false, []];
  }
}

/** A page of the late events, the newest first; its key is their number before it. */
function latePage(afterKey: string | null): Pick<QueryResponse, "events" | "nextKey"> {
  const isWanted = eventMatcher() ?? (() => false);
  const found = (lateEvents.peek() ?? []).filter(isWanted).reverse();
  const stop = Number(afterKey ?? 0) + PAGE_EVENTS;
  return { events: found.slice(stop - PAGE_EVENTS, stop), nextKey: stop < found.length ? String(stop) : null };
}

/** The newest events first; undefined if there is nothing to query. */
export function inspectorQuery(afterKey: string | null): Query | undefined {
  const times = timesOf(inspectorRange.value);
  const entity = selectedEntity.value;
  if (times === undefined || (inspectorSelectedOnly.value && entity === null)) return undefined;
  const type = inspectorType.value.trim();
  return {
    type: "query",
    reverse: true,
    limit: state.value === "PLAYING" && afterKey === null ? AHEAD_EVENTS : PAGE_EVENTS,
    timebase: timebase.value,
    timelineMode: state.value === "LIVE" ? "LIVE" : "REPLAY",
    filters: {
      ...(inspectorSelectedOnly.value && entity !== null ? entityFilter(entity) : {}),
      ...(inspectorLanes.value.size === 0 ? {} : { lanes: [...inspectorLanes.value] }),
      ...(type === "" ? {} : { messageTypes: [type] }),
    },
    ...times,
    ...(afterKey === null ? {} : { afterKey }),
  };
}

function entityFilter(entity: { scopeId: string; systemId: string; containerId: string; uniqueId: string }) {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return { scopeIds: [scopeId], systemId, containerId, uniqueId };
}

/** Ahead of a clock that plays forwards at a rate; the list shows what that has reached. */
function leadTime(): string | undefined {
  if (state.value !== "PLAYING" || backwards.value || rate.value === "max") return undefined;
  return fromFineMs(toFineMs(cursor.value) + rate.value * LEAD_MS);
}

function timesOf(which: InspectorRange): Pick<Query, "startTime" | "stopTime"> | undefined {
  if (which === "clock") {
    const stopTime = leadTime() ?? queryBound();
    return stopTime === undefined ? {} : { stopTime };
  }
  if (which === "ahead") {
    const ahead = extent.value?.ahead;
    return ahead === undefined ? undefined : { startTime: ahead.nextTime };
  }
  if (which === "late") return {};
  const span = which === "visible" ? visible.value : selection.value;
  if (span === null) return undefined;
  return { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
}
