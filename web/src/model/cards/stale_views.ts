/** Which views are stale as of the clock: no update for a set time, or for longer than usual. */

import { effect, signal, untracked } from "@preact/signals";
import { ageBeats, seriesAge, sourceKey } from "../entities/entity_ages";
import type { Card } from "./card";
import { cards, statesPending } from "./cards";

const MS_PER_S = 1_000;

/** The ids of their cards. It changes only with its content. */
export const staleViews = signal<ReadonlySet<string>>(new Set());

/** Follow the ages of the series; called once. */
export function startStaleViews(): void {
  effect(() => {
    void [ageBeats.value, cards.value];
    if (!statesPending.value) untracked(refresh);
  });
}

function refresh(): void {
  const found = new Set<string>();
  for (const [id, card] of cards.value) if (isStale(card.peek())) found.add(id);
  const known = staleViews.value;
  if (found.size !== known.size || [...found].some((id) => !known.has(id))) staleViews.value = found;
}

function isStale({ view, manifest }: Card): boolean {
  const setS = manifest?.layout?.staleAfterS;
  const key = sourceKey({ ...view, lane: "ui" });
  return seriesAge(key, setS == null ? undefined : setS * MS_PER_S).freshness === "stale";
}
