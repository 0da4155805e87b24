/** The entities that `discover` finds, the one that is chosen, and the time that all of them span. */

import { computed, signal } from "@preact/signals";
import type { EntityInfo } from "../api/protocol";
import { type Entity, entityKey } from "./event";
import { request } from "./session";
import { cursorMs, state, timebase } from "./timeline";
import { toMs } from "./time";

export const entities = signal<EntityInfo[] | null>(null);
export const selected = signal<Entity | null>(null);
export const search = signal("");

/** The entities that the search leaves, grouped by scope, system and container, in the server's order. */
export const groups = computed(() => {
  const found = new Map<string, EntityInfo[]>();
  const wanted = search.value.trim().toLowerCase();
  for (const entity of entities.value ?? []) {
    if (wanted !== "" && !entityKey(entity).toLowerCase().includes(wanted)) continue;
    const group = `${entity.scopeId} / ${entity.systemId} / ${entity.containerId}`;
    found.set(group, [...(found.get(group) ?? []), entity]);
  }
  return [...found];
});

/** How much of the archive the slider covers, in ms before its end. */
export const REACHES = {
  all: Number.POSITIVE_INFINITY,
  "10 min": 600_000,
  "1 h": 3_600_000,
  "1 day": 86_400_000,
} as const;
export type Reach = keyof typeof REACHES;

export const reach = signal<Reach>("all");

/** First and last time that the slider covers, in ms. */
export const span = computed<[number, number]>(() => {
  const [first, last] = known.value;
  return [Math.max(first, last - REACHES[reach.value]), last];
});

/** First and last time of everything, in ms; in LIVE the end is where the clock is. */
const known = computed<[number, number]>(() => {
  const series = (entities.value ?? []).flatMap((entity) => entity.series);
  const now = cursorMs.value;
  if (series.length === 0) return [now - 600_000, now];
  const first = Math.min(...series.map((one) => toMs(one.firstTime)));
  const last = Math.max(...series.map((one) => toMs(one.lastTime)));
  return [first, state.value === "LIVE" ? Math.max(last, now) : Math.max(last, first + 1000)];
});

/** Choose an entity; its panels follow. */
export function select(entity: Entity): void {
  selected.value = entity;
}

/** Ask what there is; the first answer chooses the first entity. */
export async function refreshEntities(): Promise<void> {
  const reply = await request({ type: "discover", timebase: timebase.value }, "discoverResponse");
  entities.value = reply.entities;
  const first = reply.entities.find((entity) => entity.systemId !== "__scope__");
  if (selected.value === null && first !== undefined) select(first);
}
