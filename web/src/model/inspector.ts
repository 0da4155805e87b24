/** The event inspector: one page of a bounded query over any lane, and the event that is looked at. */

import { computed, signal } from "@preact/signals";
import type { Query } from "../api/protocol";
import { type Lane, type StoredEvent, timeOf } from "./event";
import { selected } from "./entities";
import { extent } from "./overview";
import { request } from "./session";
import { selection, visible } from "./span";
import { fromFineMs } from "./time";
import { bound, seek, state, timebase } from "./timeline";

const PAGE_EVENTS = 50;

/** Which times: up to the clock, what the timeline shows or has selected, or what is dated ahead of now. */
export type Range = "clock" | "visible" | "selection" | "ahead";

export const range = signal<Range>("clock");
/** The lanes that are wanted; none means all. */
export const lanes = signal<ReadonlySet<Lane>>(new Set());
/** Whether only the chosen entity's events are wanted. */
export const ofEntity = signal(true);
/** A messageType that is wanted; empty means any. */
export const messageType = signal("");

export const events = signal<readonly StoredEvent[] | null>(null);
export const nextKey = signal<string | null>(null);
export const inspectorTrouble = signal("");
export const inspected = signal<StoredEvent | null>(null);
/** The `afterKey` of every page up to the one that is shown; the first has none. */
const pages = signal<readonly (string | null)[]>([null]);
export const page = computed(() => pages.value.length);
/** Whether the list stands still, because somebody reads in it. */
export const held = signal(false);

let asked = 0;
let isOwnJump = false;

/** What decides which events are wanted, besides the clock. */
export const wanted = computed(() =>
  JSON.stringify([range.value, [...lanes.value], ofEntity.value, messageType.value, ofEntity.value && selected.value]),
);

/** Ask anew for the first page. */
export async function refreshInspector(): Promise<void> {
  held.value = false;
  await ask([null]);
}

/** Ask for the page that is shown once more, while the clock moves. */
export async function followInspector(): Promise<void> {
  if (!held.value && page.value === 1 && range.value !== "selection") await ask([null]);
}

/** The page behind this one. */
export async function olderPage(): Promise<void> {
  const key = nextKey.value;
  if (key === null) return;
  held.value = true;
  await ask([...pages.value, key]);
}

/** The page before this one. */
export async function newerPage(): Promise<void> {
  if (page.value > 1) await ask(pages.value.slice(0, -1));
}

/** Look at an event, and put the clock to its time. */
export function inspect(event: StoredEvent): void {
  held.value = true;
  inspected.value = event;
  isOwnJump = true;
  seek(timeOf(event, timebase.value));
}

/** Whether the clock's last jump was to an event of the list, which therefore stands still. */
export function takeOwnJump(): boolean {
  const was = isOwnJump;
  isOwnJump = false;
  return was;
}

/** List everything that is dated ahead. */
export function listAhead(): void {
  [range.value, ofEntity.value, lanes.value, messageType.value] = ["ahead", false, new Set(), ""];
}

/** Want a lane, or no longer. */
export function toggleLane(lane: Lane): void {
  const next = new Set(lanes.value);
  if (!next.delete(lane)) next.add(lane);
  lanes.value = next;
}

async function ask(keys: readonly (string | null)[]): Promise<void> {
  const mine = ++asked;
  const query = question(keys.at(-1) ?? null);
  if (query === undefined) {
    [events.value, nextKey.value, pages.value] = [[], null, [null]];
    return;
  }
  try {
    const reply = await request(query, "queryResponse");
    if (mine !== asked) return;
    events.value = reply.events as StoredEvent[];
    nextKey.value = reply.nextKey ?? null;
    pages.value = keys;
    inspectorTrouble.value = "";
  } catch (error) {
    if (mine === asked) inspectorTrouble.value = (error as Error).message;
    throw error;
  }
}

/** The newest events first; undefined where there is nothing to ask for. */
export function question(afterKey: string | null): Query | undefined {
  const times = timesOf(range.value);
  const entity = selected.value;
  if (times === undefined || (ofEntity.value && entity === null)) return undefined;
  const type = messageType.value.trim();
  return {
    type: "query",
    reverse: true,
    limit: PAGE_EVENTS,
    timebase: timebase.value,
    timelineMode: state.value === "LIVE" ? "LIVE" : "REPLAY",
    filters: {
      ...(ofEntity.value && entity !== null ? only(entity) : {}),
      ...(lanes.value.size === 0 ? {} : { lanes: [...lanes.value] }),
      ...(type === "" ? {} : { messageTypes: [type] }),
    },
    ...times,
    ...(afterKey === null ? {} : { afterKey }),
  };
}

function only(entity: { scopeId: string; systemId: string; containerId: string; uniqueId: string }) {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return { scopeIds: [scopeId], systemId, containerId, uniqueId };
}

function timesOf(which: Range): Pick<Query, "startTime" | "stopTime"> | undefined {
  if (which === "clock") {
    const stopTime = bound();
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
