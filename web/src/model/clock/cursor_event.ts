/** The event under the cursor: its two times, steps to its neighbours, and the change of timebase. */

import { batch, computed, signal } from "@preact/signals";
import type { Filters, NeighbourResponse } from "../../api/protocol";
import { selectedEntity } from "../entities/entities";
import { showToast } from "../page/toast";
import { request } from "../session/session";
import { type MovedSelection, selectionInTimebase } from "../timeline/selection_timebase";
import { selection, spanAround, spanLength, visible } from "../timeline/span";
import { eventTime, type StoredEvent } from "../values/event";
import { compareTimes, fromNs, toFineMs, toNs } from "../values/time";
import { eventsBefore } from "./before_clock";
import {
  backwards,
  chooseTimebase,
  cursor,
  cursorMs,
  jumps,
  newest,
  seek,
  state,
  timebase,
  type Timebase,
} from "./clock";

/** The events that steps stop at. */
export const STEP_KINDS = { all: "step: any", entity: "step: entity", command: "step: command" } as const;
export type StepKind = keyof typeof STEP_KINDS;

/** Most events of one instant that are read. */
const INSTANT_MAX_EVENTS = 100;

export const stepKind = signal<StepKind>("all");

const answeredEvent = signal<StoredEvent | null>(null);
let requestCount = 0;

/** The newest known event at or before the cursor. In reverse the stream sends later ones, which do not count. */
export const cursorEvent = computed<StoredEvent | null>(() => {
  if (!backwards.value) return newest.value ?? answeredEvent.value;
  const found = eventsBefore.value[0] ?? answeredEvent.value;
  return found !== null && compareTimes(eventTime(found, timebase.value), cursor.value) <= 0 ? found : null;
});

/** The time of the event under the cursor by the other clock; undefined while it is not known. */
export const otherTime = computed(() => {
  const event = cursorEvent.value;
  return event === null ? undefined : eventTime(event, otherTimebase(timebase.value));
});

/** The other timebase. */
export function otherTimebase(of: Timebase): Timebase {
  return of === "source" ? "canonical" : "source";
}

/** Called when the cursor moves: the event under it is not known any more. */
export function clearCursorEvent(): void {
  requestCount++;
  answeredEvent.value = null;
}

/** Request the event under the cursor. */
export async function refreshCursorEvent(): Promise<void> {
  const mine = ++requestCount;
  const event = await queryCursorEvent();
  if (mine === requestCount) answeredEvent.value = event ?? null;
}

/** Step to the next or previous event. A playing clock is paused, because a step shows one moment. */
export async function step(direction: "next" | "previous"): Promise<void> {
  const reply = await neighbour(cursor.value, direction, stepFilters());
  if (reply.time == null) {
    showToast(direction === "next" ? "There is no later event." : "There is no earlier event.");
    return;
  }
  const time = reply.time;
  batch(() => {
    showToast("");
    if (state.value === "PLAYING") state.value = "PAUSED";
    seek(time);
  });
}

/** The nearest event strictly after or before a time. */
export function neighbour(
  time: string,
  direction: "next" | "previous",
  filters: Filters = {},
): Promise<NeighbourResponse> {
  return request(
    { type: "neighbour", time, direction, timebase: timebase.value, filters },
    "neighbourResponse",
  );
}

/** Switch to the other timebase and stay at the event under the cursor. */
export async function switchTimebase(chosen: Timebase): Promise<void> {
  if (chosen === timebase.value) return;
  const share = (cursorMs.value - visible.value.startMs) / spanLength(visible.value);
  const isLive = state.value === "LIVE";
  const event = isLive ? undefined : await settledCursorEvent();
  if (!isLive && event === undefined) showToast("No event before the cursor: the time is unchanged.");
  const range = selection.value;
  const moved = range === null ? undefined : await selectionInTimebase(range, timebase.value, chosen);
  batch(() => {
    if (moved !== undefined && selection.value === range) selection.value = moved.span;
    chooseTimebase(chosen, event === undefined ? undefined : eventTime(event, chosen));
    if (event !== undefined) {
      visible.value = spanAround(toFineMs(cursor.value), spanLength(visible.value), clampShare(share));
    }
  });
  if (event !== undefined) answeredEvent.value = event;
  if (moved !== undefined) reportMoved(moved);
}

function reportMoved({ span, isExact }: MovedSelection): void {
  if (span === null) showToast("The selection had no events, and is cleared: it means nothing by the other clock.");
  else if (!isExact) showToast("The selection has many events: its ends are those of its first and last ones by the other clock.");
}

/** The event under the cursor, requested again if the clock was moved meanwhile. */
async function settledCursorEvent(): Promise<StoredEvent | undefined> {
  for (;;) {
    const jump = jumps.value;
    const event = await queryCursorEvent();
    if (jump === jumps.value) return event;
  }
}

function clampShare(share: number): number {
  return Math.min(0.95, Math.max(0.05, share));
}

/** Bring the cursor into view, if it is not. */
export function revealCursor(): void {
  const span = visible.value;
  const atMs = toFineMs(cursor.value);
  if (atMs < span.startMs || atMs > span.stopMs) visible.value = spanAround(atMs, spanLength(span), 0.5);
}

/** The newest event at or before the cursor: of the chosen entity, or of any if that has none. */
async function queryCursorEvent(): Promise<StoredEvent | undefined> {
  const own = entityFilters();
  return (own === undefined ? undefined : await newestMatching(own)) ?? (await newestMatching({}));
}

/** Of events that share the newest time, the last in the other timebase: at its time all of them are known. */
async function newestMatching(filters: Filters): Promise<StoredEvent | undefined> {
  const justAfter = fromNs(toNs(cursor.value) + 1n);
  const { time, event } = await neighbour(justAfter, "previous", filters);
  if (time == null) return undefined;
  const reply = await request(
    {
      type: "query",
      startTime: time,
      stopTime: time,
      timebase: timebase.value,
      filters,
      limit: INSTANT_MAX_EVENTS,
      timelineMode: "REPLAY",
    },
    "queryResponse",
  );
  const clock = otherTimebase(timebase.value);
  const later = (one: StoredEvent, two: StoredEvent) =>
    compareTimes(eventTime(one, clock), eventTime(two, clock)) < 0 ? two : one;
  return (reply.events as StoredEvent[]).reduce(later, event as StoredEvent);
}

function stepFilters(): Filters {
  if (stepKind.value === "command") return { lanes: ["command"] };
  return stepKind.value === "entity" ? (entityFilters() ?? {}) : {};
}

function entityFilters(): Filters | undefined {
  const entity = selectedEntity.value;
  if (entity === null) return undefined;
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return { scopeIds: [scopeId], systemId, containerId, uniqueId };
}
