/** Which cards the panel of cards shows: of one entity or system, those with alarms, or all. */

import { computed, signal } from "@preact/signals";
import { isOutOfLimits } from "../alarms/card_alarms";
import { selectedEntity, selectEntity } from "../entities/entities";
import { entityKey } from "../values/event";
import { edgeCards } from "../edge/edge_cards";
import { type Card, cardName, cardTitle } from "./card";
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

/** The card of the edge that is open instead of those of the selected entity, which has other panels as well. */
export const openEdgeCard = signal<string | null>(null);
selectedEntity.subscribe(() => (openEdgeCard.value = null));

/** Choose which cards of entities are shown. */
export function chooseCards(choice: CardChoice): void {
  openEdgeCard.value = null;
  cardChoice.value = choice;
}

/** Open the card at a place: select its entity, or show what the edge says of it. */
export function openCard(place: CardPlace): void {
  if (edgeCards.peek().has(place.id)) openEdgeCard.value = place.id;
  else selectEntity(place);
  requestedCard.value = place.id;
}

/** Whether a place is the one that is open. */
export function isOpenPlace(place: CardPlace): boolean {
  if (openEdgeCard.value !== null) return place.id === openEdgeCard.value;
  return selectedEntity.value !== null && entityKey(place) === entityKey(selectedEntity.value);
}

/** The cards that are shown, in the order of the shields: those of entities, or those of the edge. */
export const shownCards = computed<readonly CardPlace[]>(() => {
  const found = matchingPlaces(shieldGroups.value, cardSearch.value, placeTitle).flatMap(({ places }) => places);
  const isOfEdge = openEdgeCard.value !== null;
  const withCards = found.filter(({ id, viewId }) => viewId !== "" && edgeCards.value.has(id) === isOfEdge);
  const entity = selectedEntity.value;
  if (isOfEdge || cardChoice.value === "all") return withCards;
  if (cardChoice.value === "alarms") {
    return withCards.filter(({ id }) => isOutOfLimits(id));
  }
  if (entity === null) return [];
  if (cardChoice.value === "entity") return withCards.filter((place) => entityKey(place) === entityKey(entity));
  return withCards.filter(({ scopeId, systemId }) => scopeId === entity.scopeId && systemId === entity.systemId);
});

/** The card at a place: of its view's updates, or of what the edge says. */
export function cardAt(id: string): Card | undefined {
  return cards.value.get(id)?.value ?? edgeCards.value.get(id)?.card;
}

/** The searchable name and title of the card at a place. */
export function placeTitle(place: CardPlace): string {
  const card = cards.value.get(place.id)?.peek() ?? edgeCards.value.get(place.id)?.card;
  return card === undefined ? "" : `${cardName(card)} ${cardTitle(card)}`;
}
