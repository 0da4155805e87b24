/** The event inspector: one page of a bounded query over any lane, and the event shown in full. */

import { computed, signal } from "@preact/signals";
import type { Query } from "../../api/protocol";
import { queryBound, seek, state, timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { request } from "../session/session";
import { selection, visible } from "../timeline/span";
import { extent } from "../timeline/timeline_data";
import { eventTime, type Lane, type StoredEvent } from "../values/event";
import { fromFineMs } from "../values/time";

const PAGE_EVENTS = 50;

/** The queried times: up to the clock, the visible or selected span, or the events dated ahead of now. */
export type InspectorRange = "clock" | "visible" | "selection" | "ahead";

export const inspectorRange = signal<InspectorRange>("clock");
/** The queried lanes; empty means all. */
export const inspectorLanes = signal<ReadonlySet<Lane>>(new Set());
/** Whether only events of the selected entity are listed. */
export const inspectorSelectedOnly = signal(true);
/** The queried messageType; empty means any. */
export const inspectorType = signal("");

export const inspectorEvents = signal<readonly StoredEvent[] | null>(null);
export const nextKey = signal<string | null>(null);
export const inspectorError = signal("");
export const inspectedEvent = signal<StoredEvent | null>(null);
/** The `afterKey` of every page up to the current one; the first has none. */
const pageKeys = signal<readonly (string | null)[]>([null]);
export const pageNumber = computed(() => pageKeys.value.length);
/** Whether the list is frozen because the user is reading it. */
export const isListHeld = signal(false);

let requestCount = 0;
let isOwnJump = false;

/** Everything that the query depends on, except the clock. */
export const inspectorQueryKey = computed(() =>
  JSON.stringify([inspectorRange.value, [...inspectorLanes.value], inspectorSelectedOnly.value, inspectorType.value, inspectorSelectedOnly.value && selectedEntity.value]),
);

/** Query again from the first page. */
export async function refreshInspector(): Promise<void> {
  isListHeld.value = false;
  await requestPage([null]);
}

/** Refresh the current page while the clock moves. */
export async function followInspector(): Promise<void> {
  if (!isListHeld.value && pageNumber.value === 1 && inspectorRange.value !== "selection") await requestPage([null]);
}

/** Go to the next page. */
export async function olderPage(): Promise<void> {
  const key = nextKey.value;
  if (key === null) return;
  isListHeld.value = true;
  await requestPage([...pageKeys.value, key]);
}

/** Go to the previous page. */
export async function newerPage(): Promise<void> {
  if (pageNumber.value > 1) await requestPage(pageKeys.value.slice(0, -1));
}

/** Show an event in full, and seek to its time. */
export function inspectEvent(event: StoredEvent): void {
  isListHeld.value = true;
  inspectedEvent.value = event;
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
    [inspectorEvents.value, nextKey.value, pageKeys.value] = [[], null, [null]];
    return;
  }
  try {
    const reply = await request(query, "queryResponse");
    if (mine !== requestCount) return;
    inspectorEvents.value = reply.events as StoredEvent[];
    nextKey.value = reply.nextKey ?? null;
    pageKeys.value = keys;
    inspectorError.value = "";
  } catch (error) {
    if (mine === requestCount) inspectorError.value = (error as Error).message;
    throw error;
  }
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
    limit: PAGE_EVENTS,
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

function timesOf(which: InspectorRange): Pick<Query, "startTime" | "stopTime"> | undefined {
  if (which === "clock") {
    const stopTime = queryBound();
    return stopTime === undefined ? {} : { stopTime };
  }
  if (which === "ahead") {
    const ahead = extent.value?.ahead;
    return ahead === undefined ? undefined : { startTime: ahead.nextTime };
  }
  const span = which === "visible" ? visible.value : selection.value;
  if (span === null) return undefined;
  return { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
}
