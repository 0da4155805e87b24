/**
 * The newest events of the parsed series that panels watch, as of the clock. They are queried, because
 * parsed events are not streamed to a page; the values of the lane ui are those of the cards.
 */

import { effect, signal, untracked } from "@preact/signals";
import type { SeriesName } from "../../api/series";
import { scheduler } from "../../scheduler";
import { cursor, jumps, state, timebase } from "../clock/clock";
import { singleFlight } from "../page/single_flight";
import { connection, recoveries, request } from "../session/session";
import { sampledKey } from "../plots/sampling";
import { entityKey, type StoredEvent } from "../values/event";
import { seriesNameKey } from "../values/field_ref";

const PLAYING_INTERVAL_MS = 250;
const LIVE_INTERVAL_MS = 1_000;
const RETRY_INTERVAL_MS = 3_000;
const PAGE_EVENTS = 500;

/** By the key of the series. */
export const seriesEvents = signal<ReadonlyMap<string, StoredEvent>>(new Map());
/** Whether the values at the clock's time are pending; until the reply none are shown. */
export const seriesEventsPending = signal(true);
/** Why the last query failed; empty if it did not. */
export const seriesEventsError = signal("");

interface Watched {
  readonly series: SeriesName;
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

/** Keep the values of series until the returned function is called. */
export function watchSeries(series: readonly SeriesName[]): () => void {
  const keys = [...new Map(series.filter(({ lane }) => lane === "parsed").map((one) => [seriesNameKey(one), one]))];
  for (const [key, one] of keys) watched.set(key, { series: one, count: (watched.get(key)?.count ?? 0) + 1 });
  if (keys.length > 0) {
    seriesEventsPending.value ||= keys.some(([key]) => !seriesEvents.value.has(key));
    askIfWatched();
  }
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
    const found = (await Promise.all(byEntity().map((series) => latestOf(series, time)))).flat();
    if (mine !== generation) return;
    seriesEvents.value = new Map(found.map((event) => [sampledKey(event), event]));
    seriesEventsError.value = "";
    seriesEventsPending.value = false;
  } catch (error) {
    if (mine === generation) seriesEventsError.value = (error as Error).message;
    throw error;
  }
}

/** The watched series, those of one entity together: each entity is one request. */
function byEntity(): SeriesName[][] {
  const found = new Map<string, SeriesName[]>();
  for (const { series } of watched.values()) {
    const known = found.get(entityKey(series));
    if (known === undefined) found.set(entityKey(series), [series]);
    else known.push(series);
  }
  return [...found.values()];
}

async function latestOf(series: readonly SeriesName[], time: { time?: string }): Promise<StoredEvent[]> {
  const [{ scopeId, systemId, containerId, uniqueId }] = series as [SeriesName];
  const messageTypes = series.map(({ messageType }) => messageType);
  const filters = { scopeIds: [scopeId], systemId, containerId, uniqueId, lanes: ["parsed" as const], messageTypes };
  const reply = await request({ type: "latest", timebase: timebase.value, filters, limit: PAGE_EVENTS, ...time }, "latestResponse");
  return reply.events as StoredEvent[];
}
