/**
 * The newest events that have the fields of parsed series that panels watch, as of the clock. They are queried,
 * because parsed events are not streamed to a page; the values of the lane ui are those of the cards.
 */

import { effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cursor, jumps, state, timebase } from "../clock/clock";
import { singleFlight } from "../page/single_flight";
import { connection, recoveries, request } from "../session/session";
import { sampledKey } from "../plots/sampling";
import { entityKey, type StoredEvent } from "../values/event";
import { eventOrder } from "../values/event_order";
import { fieldKey, type FieldRef } from "../values/field_ref";

const PLAYING_INTERVAL_MS = 250;
const LIVE_INTERVAL_MS = 1_000;
const RETRY_INTERVAL_MS = 3_000;
const PAGE_SERIES = 500;
/** Most fields of one request. */
const REQUEST_FIELDS = 64;

/** The newest first, by the key of the series: an event may have only some of the fields. */
export const seriesEvents = signal<ReadonlyMap<string, readonly StoredEvent[]>>(new Map());
/** Whether the values at the clock's time are pending; until the reply none are shown. */
export const seriesEventsPending = signal(true);
/** Why the last query failed; empty if it did not. */
export const seriesEventsError = signal("");

interface Watched {
  readonly of: FieldRef;
  count: number;
}

const watched = new Map<string, Watched>();
let generation = 0;
const ask = singleFlight(refreshSeriesEvents);

/** Follow the clock; called once. */
export function startFieldValues(): void {
  effect(() => {
    void jumps.value;
    untracked(() => {
      clear();
      askIfWatched();
    });
  });
  effect(() => {
    if (connection.value === "open") untracked(askIfWatched);
  });
  recoveries.subscribe(askIfWatched);
  every(PLAYING_INTERVAL_MS, () => state.value === "PLAYING");
  every(LIVE_INTERVAL_MS, () => state.value === "LIVE");
  every(RETRY_INTERVAL_MS, () => seriesEventsError.value !== "");
}

function every(intervalMs: number, isWanted: () => boolean): void {
  scheduler.every(intervalMs, askIfWatched, { when: isWanted, pausesWhenHidden: true });
}

/** Keep the values of fields until the returned function is called. */
export function watchFields(fields: readonly FieldRef[]): () => void {
  const keys = [...new Map(fields.filter(({ series }) => series.lane === "parsed").map((of) => [fieldKey(of), of]))];
  seriesEventsPending.value ||= keys.some(([key]) => !watched.has(key));
  for (const [key, of] of keys) watched.set(key, { of, count: (watched.get(key)?.count ?? 0) + 1 });
  if (keys.length > 0) askIfWatched();
  return () => {
    for (const [key] of keys) release(key);
  };
}

function release(key: string): void {
  const found = watched.get(key);
  if (found === undefined) return;
  found.count -= 1;
  if (found.count === 0) watched.delete(key);
}

function clear(): void {
  generation++;
  seriesEventsPending.value = true;
  seriesEvents.value = new Map();
}

function askIfWatched(): void {
  if (watched.size > 0 && connection.value === "open") ask();
}

/** Query all watched series; a reply that is older than the last jump is dropped. */
async function refreshSeriesEvents(): Promise<void> {
  const mine = generation;
  const time = state.value === "LIVE" ? {} : { time: cursor.value };
  try {
    const found = (await Promise.all(byEntity().flatMap((fields) => latestOf(fields, time)))).flat();
    if (mine !== generation) return;
    seriesEvents.value = newestFirst(found);
    seriesEventsError.value = "";
    seriesEventsPending.value = false;
  } catch (error) {
    if (mine === generation) seriesEventsError.value = (error as Error).message;
    throw error;
  }
}

/** The watched fields, those of one entity together. */
function byEntity(): FieldRef[][] {
  const found = new Map<string, FieldRef[]>();
  for (const { of } of watched.values()) {
    const known = found.get(entityKey(of.series));
    if (known === undefined) found.set(entityKey(of.series), [of]);
    else known.push(of);
  }
  return [...found.values()];
}

/** One request for an entity, or several if its fields are more than one allows. */
function latestOf(fields: readonly FieldRef[], time: { time?: string }): Promise<StoredEvent[]>[] {
  const [{ series }] = fields as [FieldRef];
  const { scopeId, systemId, containerId, uniqueId } = series;
  const messageTypes = [...new Set(fields.map((of) => of.series.messageType))];
  const filters = { scopeIds: [scopeId], systemId, containerId, uniqueId, lanes: ["parsed" as const], messageTypes };
  const names = [...new Set(fields.map(({ field }) => field))];
  const parts: string[][] = [];
  for (let at = 0; at < names.length; at += REQUEST_FIELDS) parts.push(names.slice(at, at + REQUEST_FIELDS));
  return parts.map(async (part) => {
    const ask = { type: "latest" as const, timebase: timebase.value, filters, limit: PAGE_SERIES, ...time };
    // The generated type lists the fields as a tuple, up to the limit that `parts` keeps.
    const reply = await request({ ...ask, fields: part as [string] }, "latestResponse");
    return reply.events as StoredEvent[];
  });
}

function newestFirst(events: readonly StoredEvent[]): Map<string, StoredEvent[]> {
  const found = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const known = found.get(sampledKey(event));
    if (known === undefined) found.set(sampledKey(event), [event]);
    else known.push(event);
  }
  const order = (event: StoredEvent) => eventOrder(event, timebase.value);
  for (const some of found.values()) some.sort((one, other) => (order(one) < order(other) ? 1 : -1));
  return found;
}
