/** The shields: one for every view of every entity, and for entities that have published only a descriptor. */

import { computed } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import { entities } from "../entities/entities";
import { edgePlaces } from "../edge/edge_cards";
import { type Entity, entityKey } from "../values/event";
import { cards } from "./cards";
import { viewKey } from "./ui_state";

/** Systems without shields: NOVA's own, and entities that stand for a scope. */
const HIDDEN_SYSTEMS: ReadonlySet<string> = new Set(["nova", "__scope__"]);

/** A card's place; the card exists once it has data. */
export interface CardPlace extends Entity {
  readonly id: string;
  /** Empty where the entity has no view. */
  readonly viewId: string;
}

/** The places of one system, which share a heading. */
export interface ShieldGroup {
  readonly key: string;
  readonly scopeId: string;
  readonly systemId: string;
  readonly places: readonly CardPlace[];
}

/** All places, in the order of their ids, the edge's own last. A place does not move when the clock does. */
export const shieldGroups = computed<readonly ShieldGroup[]>(() => {
  const views = [...cards.value.values()].map((one) => one.peek().view);
  return groupPlaces([...placesOf(entities.value ?? [], views), ...edgePlaces.value]);
});

/** The places of a listing, and of views that are newer than the listing. */
export function placesOf(listed: readonly EntityInfo[], views: readonly (Entity & { viewId: string })[]): CardPlace[] {
  const found = new Map<string, CardPlace>();
  const add = (of: Entity, viewId: string) => {
    if (HIDDEN_SYSTEMS.has(of.systemId)) return;
    const { scopeId, systemId, containerId, uniqueId } = of;
    const id = viewKey({ ...of, viewId });
    if (!found.has(id)) found.set(id, { id, scopeId, systemId, containerId, uniqueId, viewId });
  };
  for (const view of views) add(view, view.viewId);
  for (const entity of listed) {
    const own = entity.series.filter(({ lane }) => lane === "ui");
    for (const { viewId } of own) add(entity, viewId ?? "");
    if (own.length === 0 && entity.series.some(({ lane }) => lane === "metadata")) add(entity, "");
  }
  return [...found.values()].sort((one, two) => compare(one.id, two.id));
}

function groupPlaces(places: readonly CardPlace[]): ShieldGroup[] {
  const found = new Map<string, { places: CardPlace[] } & Omit<ShieldGroup, "places">>();
  for (const place of places) {
    const { scopeId, systemId } = place;
    const key = `${scopeId}/${systemId}`;
    const group = found.get(key);
    if (group === undefined) found.set(key, { key, scopeId, systemId, places: [place] });
    else group.places.push(place);
  }
  return [...found.values()];
}

function compare(one: string, two: string): number {
  return one < two ? -1 : one > two ? 1 : 0;
}

/** The places that match all words of a search, by path, view or card title. */
export function matchingPlaces(all: readonly ShieldGroup[], text: string, titleOf: (place: CardPlace) => string): readonly ShieldGroup[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return all;
  const isFound = (place: CardPlace) => {
    const path = `${entityKey(place)} ${place.viewId} ${titleOf(place)}`.toLowerCase();
    return words.every((word) => path.includes(word));
  };
  return all.map((group) => ({ ...group, places: group.places.filter(isFound) })).filter(({ places }) => places.length > 0);
}
