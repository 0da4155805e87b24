/** Latest values of the selected entity: queried at the cursor, updated by the stream. */

import { batch, computed, signal } from "@preact/signals";
import { eventsBefore } from "../clock/before_clock";
import { backwards, cursor, cursorMs, state, timebase } from "../clock/clock";
import { request } from "../session/session";
import { type Entity, entityKey, eventTime, type Lane, seriesKey, type StoredEvent, valueRows } from "../values/event";
import { compareTimes, toMs } from "../values/time";
import { hasUnstreamed, selectedEntity, UNSTREAMED_LANES } from "./entities";

/** The newest event of each series, in the order of the server's first reply. */
export const latest = signal<ReadonlyMap<string, StoredEvent>>(new Map());
/** The events that are shown: backwards none that the clock has passed, and those before them as they were read ahead. */
export const shownLatest = computed<ReadonlyMap<string, StoredEvent>>(() => {
  if (state.value !== "PLAYING" || !backwards.value) return latest.value;
  const isBefore = (event: StoredEvent) => compareTimes(eventTime(event, timebase.value), cursor.value) <= 0;
  const found = new Map<string, StoredEvent>();
  const before = new Map<string, StoredEvent>();
  for (const event of eventsBefore.value) if (!before.has(seriesKey(event))) before.set(seriesKey(event), event);
  for (const [key, event] of latest.value) {
    const shown = isBefore(event) ? event : before.get(key);
    if (shown !== undefined) found.set(key, shown);
  }
  return found;
});
/** Whether the values at the clock's time are pending; until the reply none are shown. */
export const latestPending = signal(false);
/** Why there are no values; empty if there are some. */
export const latestError = signal("");
/** The values before the jump: their rows keep their places while values are pending. */
export const latestOutline = signal<ReadonlyMap<string, StoredEvent>>(new Map());

/** While time runs forwards, all lanes are requested at this interval, and in between those that are not streamed. */
const WHOLE_INTERVAL_MS = 10_000;
/** The server's bound on events that a request names as known. */
const KNOWN_MAX = 100;

/** The clock's time when the newest events that are shown were asked for. */
const askedAtMs = signal(Number.NaN);
let requestCount = 0;
let wholeMs = 0;

/** Request what may have changed since the last time, except what is streamed. */
export async function continueLatest(): Promise<void> {
  const isWhole = !isStreaming() || latestPending.value || Date.now() - wholeMs > WHOLE_INTERVAL_MS;
  if (isWhole) await refreshLatest();
  else if (hasUnstreamed(selectedEntity.value)) await refreshLatest([...UNSTREAMED_LANES]);
}

/** How old a shown event is as of the clock; of a lane that is not streamed, as of when its newest was asked for. */
export function latestAgeMs(event: StoredEvent): number {
  const ms = toMs(eventTime(event, timebase.value));
  const isAsked = UNSTREAMED_LANES.includes(event.lane) && ms <= askedAtMs.value && askedAtMs.value <= cursorMs.value;
  return (isAsked ? askedAtMs.value : cursorMs.value) - ms;
}

/** Request the values at the cursor (now, in LIVE); a reply that a newer request overtook is dropped. Values of other lanes than those requested stay. */
export async function refreshLatest(lanes?: Lane[]): Promise<void> {
  const entity = selectedEntity.value;
  if (entity === null) return;
  const [mine, atMs] = [++requestCount, cursorMs.value];
  try {
    const events = (await requestLatest(entity, lanes, true)) ?? (await requestLatest(entity, lanes, false)) ?? [];
    if (mine !== requestCount || selectedEntity.value !== entity) return;
    if (lanes === undefined) wholeMs = Date.now();
    const kept = lanes === undefined ? [] : [...latest.value.values()].filter(({ lane }) => !lanes.includes(lane));
    batch(() => {
      askedAtMs.value = atMs;
      replace([...kept, ...events]);
    });
    latestError.value = "";
  } catch (error) {
    if (mine === requestCount) latestError.value = (error as Error).message;
    throw error;
  }
  latestPending.value = false;
}

/** The newest events; the server leaves those out that are shown already. Undefined if not all of these are the newest any more. */
async function requestLatest(entity: Entity, lanes: Lane[] | undefined, mayOmit: boolean): Promise<StoredEvent[] | undefined> {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const shown = [...latest.value.values()].filter(({ lane }) => lanes === undefined || lanes.includes(lane));
  const known = mayOmit ? shown.slice(0, KNOWN_MAX) : [];
  const reply = await request(
    {
      type: "latest",
      timebase: timebase.value,
      filters: { scopeIds: [scopeId], systemId, containerId, uniqueId, ...(lanes === undefined ? {} : { lanes }) },
      ...(state.value === "LIVE" ? {} : { time: cursor.value }),
      ...(known.length === 0 ? {} : { known: known.map(({ eventId }) => eventId) }),
    },
    "latestResponse",
  );
  const events = reply.events as StoredEvent[];
  const answered = new Set(events.map(seriesKey));
  const unchanged = known.filter((event) => !answered.has(seriesKey(event)));
  return unchanged.length === (reply.unchanged ?? 0) ? [...unchanged, ...events] : undefined;
}

function replace(events: readonly StoredEvent[]): void {
  const found = new Map<string, StoredEvent>();
  for (const key of [...latest.value.keys(), ...events.map(seriesKey)]) {
    const event = events.find((one) => seriesKey(one) === key);
    if (event !== undefined) found.set(key, keepNewer(key, event));
  }
  latest.value = found;
}

/** While time runs forwards, a reply that is older than the stream must not move a value back. */
function keepNewer(key: string, event: StoredEvent): StoredEvent {
  const known = latest.value.get(key);
  if (known === undefined || !isStreaming() || entityKey(known) !== entityKey(event)) return event;
  return isLate(event, known) ? known : event;
}

/** Apply streamed events; late ones never move a value backwards. */
export function applyLatest(events: readonly StoredEvent[]): void {
  if (!isStreaming() || selectedEntity.value === null) return;
  const wanted = entityKey(selectedEntity.value);
  let next: Map<string, StoredEvent> | undefined;
  for (const event of events) {
    if (event.uniqueId !== selectedEntity.value.uniqueId || entityKey(event) !== wanted) continue;
    const key = seriesKey(event);
    const known = (next ?? latest.value).get(key);
    if (known !== undefined && isLate(event, known)) continue;
    next ??= new Map(latest.value);
    next.set(key, event);
  }
  if (next !== undefined) latest.value = next;
}

/** Clear the values when the entity or the moment changes. */
export function clearLatest(): void {
  requestCount++;
  const known = [...latest.value.values()][0];
  const isSame = known !== undefined && selectedEntity.value !== null && entityKey(known) === entityKey(selectedEntity.value);
  if (latest.value.size > 0 || !isOutlined()) latestOutline.value = isSame ? latest.value : new Map();
  latestPending.value = selectedEntity.value !== null;
  latest.value = new Map();
  askedAtMs.value = Number.NaN;
}

/** Whether the outline belongs to the selected entity. */
function isOutlined(): boolean {
  const known = [...latestOutline.value.values()][0];
  return known !== undefined && selectedEntity.value !== null && entityKey(known) === entityKey(selectedEntity.value);
}

function isStreaming(): boolean {
  return state.value === "LIVE" || (state.value === "PLAYING" && !backwards.value);
}

/** Whether an event arrived after a shown one and has an earlier time. */
export function isLate(event: StoredEvent, than: StoredEvent): boolean {
  if (state.value === "LIVE") return compareTimes(event.sourceTruthTime, than.sourceTruthTime) < 0;
  return compareTimes(eventTime(event, timebase.value), eventTime(than, timebase.value)) < 0;
}

/** The paths whose values differ between two events of a series. */
export function changedPaths(before: StoredEvent | undefined, after: StoredEvent): ReadonlySet<string> {
  if (before === undefined || before.eventId === after.eventId) return new Set();
  const old = new Map(valueRows(before));
  return new Set(valueRows(after).flatMap(([path, value]) => (Object.is(old.get(path), value) ? [] : [path])));
}
