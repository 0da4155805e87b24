/** Which cards the panel of cards shows: of one entity or system, those with alarms, or all. */

import { computed, signal } from "@preact/signals";
import { alarms } from "../alarms/alarms";
import { selectedEntity } from "../entities/entities";
import { entityKey } from "../values/event";
import { cardTitle } from "./card";
import { cards } from "./cards";
import { type CardPlace, matchingPlaces, shieldGroups } from "./shields";

export const CARD_CHOICES = {
  entity: "of the selected entity",
  system: "of its system",
  alarms: "out of limits",
  all: "all",
} as const;
export type CardChoice = keyof typeof CARD_CHOICES;

export const cardChoice = signal<CardChoice>("system");
export const cardSearch = signal("");
/** The card whose shield was clicked; it is scrolled into view. */
export const requestedCard = signal<string | null>(null);

/** The cards that are shown, in the order of the shields. */
export const shownCards = computed<readonly CardPlace[]>(() => {
  const found = matchingPlaces(shieldGroups.value, cardSearch.value, placeTitle).flatMap(({ places }) => places);
  const withCards = found.filter(({ viewId }) => viewId !== "");
  const entity = selectedEntity.value;
  if (cardChoice.value === "all") return withCards;
  if (cardChoice.value === "alarms") {
    const inAlarm = new Set(alarms.value.map(({ card }) => card.id));
    return withCards.filter(({ id }) => inAlarm.has(id));
  }
  if (entity === null) return [];
  if (cardChoice.value === "entity") return withCards.filter((place) => entityKey(place) === entityKey(entity));
  return withCards.filter(({ scopeId, systemId }) => scopeId === entity.scopeId && systemId === entity.systemId);
});

/** The searchable title of the card at a place. */
export function placeTitle(place: CardPlace): string {
  const card = cards.value.get(place.id)?.peek();
  return card === undefined ? "" : cardTitle(card);
}
