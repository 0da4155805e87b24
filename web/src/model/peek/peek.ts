/** A look aside: an entity's values and alarms at another moment, while the clock stays where it is. */

import { effect, signal } from "@preact/signals";
import type { AlarmInfo } from "../../api/protocol";
import { seek, state, timebase } from "../clock/clock";
import { selectEntity } from "../entities/entities";
import { request, user } from "../session/session";
import { type Entity, type StoredEvent } from "../values/event";

const ALARMS_MAX = 100;

/** The moment that is looked at, in the clock's timebase. */
export interface Peek {
  readonly entity: Entity;
  readonly time: string;
  /** What the look is about. */
  readonly title: string;
}

export const peek = signal<Peek | null>(null);
/** The newest event of each series at that moment; null until the reply. */
export const peekEvents = signal<readonly StoredEvent[] | null>(null);
/** The alarms of the entity then, that were not normal. */
export const peekAlarms = signal<readonly AlarmInfo[]>([]);
export const peekError = signal("");

let requestCount = 0;

/** Close the look when another user logs in, or its time means another moment. */
export function startPeek(): void {
  effect(() => {
    void [user.value, timebase.value];
    closePeek();
  });
}

/** Go to a moment of an entity; LIVE it is looked at aside, so that nobody leaves the present by a press. */
export function lookAt(entity: Entity, time: string, title: string): void {
  if (state.value === "LIVE") {
    void openPeek({ entity, time, title });
    return;
  }
  selectEntity(entity);
  seek(time);
}

/** Look aside. */
export async function openPeek(of: Peek): Promise<void> {
  const mine = ++requestCount;
  [peek.value, peekEvents.value, peekAlarms.value, peekError.value] = [of, null, [], ""];
  const { scopeId, systemId, containerId, uniqueId } = of.entity;
  const ask = { timebase: timebase.value, time: of.time, filters: { scopeIds: [scopeId], systemId, containerId, uniqueId } };
  try {
    const [values, alarms] = await Promise.all([
      request({ type: "latest", ...ask }, "latestResponse"),
      request({ type: "alarms", listing: "abnormal", limit: ALARMS_MAX, ...ask }, "alarmsResponse"),
    ]);
    if (mine !== requestCount) return;
    [peekEvents.value, peekAlarms.value] = [values.events as StoredEvent[], alarms.alarms];
  } catch (error) {
    if (mine === requestCount) peekError.value = (error as Error).message;
  }
}

/** Move the clock there after all. */
export function goToPeek(): void {
  const of = peek.peek();
  if (of === null) return;
  closePeek();
  selectEntity(of.entity);
  seek(of.time);
}

export function closePeek(): void {
  requestCount++;
  peek.value = null;
}
