/** Which cards the panel of cards shows: of one entity or system, those with alarms, or all. */

import { computed, signal } from "@preact/signals";
import { alarms } from "./alarms";
import { selected } from "./entities";
import { entityKey } from "./event";
import { groups, matchingPlaces, type Place } from "./shields";
import { cards } from "./cards";
import { nameOfCard } from "./card";

export const CHOICES = {
  entity: "of the chosen entity",
  system: "of its system",
  alarms: "out of limits",
  all: "all",
} as const;
export type Choice = keyof typeof CHOICES;

export const choice = signal<Choice>("system");
export const search = signal("");
/** The card that was asked for by its shield: it is brought into sight. */
export const wanted = signal<string | null>(null);

/** The cards that are shown, in the order of the shields. */
export const shownCards = computed<readonly Place[]>(() => {
  const found = matchingPlaces(groups.value, search.value, titleOf).flatMap(({ places }) => places);
  const withCards = found.filter(({ viewId }) => viewId !== "");
  const entity = selected.value;
  if (choice.value === "all") return withCards;
  if (choice.value === "alarms") {
    const inAlarm = new Set(alarms.value.map(({ card }) => card.id));
    return withCards.filter(({ id }) => inAlarm.has(id));
  }
  if (entity === null) return [];
  if (choice.value === "entity") return withCards.filter((place) => entityKey(place) === entityKey(entity));
  return withCards.filter(({ scopeId, systemId }) => scopeId === entity.scopeId && systemId === entity.systemId);
});

/** What the card at a place is called, for a search. */
export function titleOf(place: Place): string {
  const card = cards.value.get(place.id)?.peek();
  return card === undefined ? "" : nameOfCard(card);
}
