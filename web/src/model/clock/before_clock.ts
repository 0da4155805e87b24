/**
 * The selected entity's events just before a clock that moves backwards: read ahead, because the stream only says
 * what the clock has passed.
 */

import { computed, effect, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { selectedEntity } from "../entities/entities";
import { singleFlight } from "../page/single_flight";
import { connection, request } from "../session/session";
import { eventTime, type StoredEvent } from "../values/event";
import { compareTimes } from "../values/time";
import { backwards, cursor, jumps, state, timebase } from "./clock";

const PAGE_EVENTS = 300;
/** More are read once so many are left. */
const LEFT_MIN = 150;
const PACE_MS = 100;

const isReverse = computed(() => state.value === "PLAYING" && backwards.value);
/** The newest first. */
const ahead = signal<readonly StoredEvent[]>([]);
/** Whether there are older events than those. */
const isMore = signal(true);

/** The events up to the clock, the newest first; none but while it moves backwards. */
export const eventsBefore = computed<readonly StoredEvent[]>(() => {
  if (!isReverse.value) return [];
  const first = ahead.value.findIndex((event) => compareTimes(eventTime(event, timebase.value), cursor.value) <= 0);
  return first < 0 ? [] : ahead.value.slice(first);
});

let generation = 0;
const read = singleFlight(readAhead);

/** Read ahead of the clock; called once. */
export function startReadAhead(): void {
  const pace = scheduler.slot();
  effect(() => {
    void [jumps.value, selectedEntity.value];
    generation++;
    [ahead.value, isMore.value] = [[], true];
  });
  effect(() => {
    if (!isReverse.value || connection.value !== "open" || !isMore.value) return;
    if (eventsBefore.value.length < LEFT_MIN) pace.startIfIdle(PACE_MS, () => isReverse.peek() && read());
  });
}

async function readAhead(): Promise<void> {
  const [mine, entity] = [generation, selectedEntity.value];
  const filters = entity === null ? {} : entityFilters(entity);
  const ask = { type: "query", reverse: true, limit: PAGE_EVENTS, timelineMode: "REPLAY", stopTime: cursor.value } as const;
  const reply = await request({ ...ask, timebase: timebase.value, filters }, "queryResponse");
  if (mine !== generation) return;
  [ahead.value, isMore.value] = [reply.events as StoredEvent[], reply.nextKey != null];
}

function entityFilters({ scopeId, systemId, containerId, uniqueId }: NonNullable<typeof selectedEntity.value>) {
  return { scopeIds: [scopeId], systemId, containerId, uniqueId };
}
