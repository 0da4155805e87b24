/** Which views are stale as of the clock: no update for a set time, or for longer than usual. */

import { effect, signal, untracked } from "@preact/signals";
import { ageBeats, seriesAge, sourceKey } from "../entities/entity_ages";
import type { Card } from "./card";
import { state } from "../clock/clock";
import { cards, statesPending } from "./cards";

const MS_PER_S = 1_000;
/** While the clock moves, more views than these are looked at every fourth time only: once a second. */
const MANY_VIEWS = 1_000;
const BEATS_OF_MANY = 4;

/** The ids of their cards. It changes only with its content. */
export const staleViews = signal<ReadonlySet<string>>(new Set());

/** The keys of their series, by the ids of cards. */
const sources = new Map<string, string>();

/** Follow the ages of the series; called once. */
export function startStaleViews(): void {
  effect(() => {
    const isMoving = state.value !== "PAUSED";
    const isOff = isMoving && cards.value.size > MANY_VIEWS && ageBeats.value % BEATS_OF_MANY !== 0;
    void ageBeats.value;
    if (!statesPending.value && !isOff) untracked(refresh);
  });
}

function refresh(): void {
  const found = new Set<string>();
  for (const [id, card] of cards.value) if (isStale(card.peek())) found.add(id);
  const known = staleViews.value;
  if (found.size !== known.size || [...found].some((id) => !known.has(id))) staleViews.value = found;
}

function isStale({ id, view, manifest }: Card): boolean {
  const setS = manifest?.layout?.staleAfterS;
  let key = sources.get(id);
  if (key === undefined) sources.set(id, (key = sourceKey({ ...view, lane: "ui" })));
  return seriesAge(key, setS == null ? undefined : setS * MS_PER_S).freshness === "stale";
}
