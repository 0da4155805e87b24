/**
 * Cards of the entities that the edge lists. Their values are what it says of them, by path; they are of the
 * present, wherever the clock is. The manifest that an entity names says how a card shows them.
 */

import { computed, signal } from "@preact/signals";
import type { CardControl } from "../../api/protocol";
import { type Card, cardOf } from "../cards/card";
import { type CardManifest, manifestOf, manifests, readManifests, untilManifests } from "../cards/manifests";
import { type Cell, viewKey } from "../cards/ui_state";
import type { Entity } from "../values/event";
import { type EdgeEntity, edgeEntities, isSendable } from "./edge_entities";

/** The edge lists them for all scopes. */
const NO_SCOPE = "";

export interface EdgeCard {
  readonly card: Card;
  readonly entityType: string;
  /** What the edge says of the entity. */
  readonly data: EdgeEntity;
}

/** Manifests that entities name. They remain when the clock goes back to before they were published. */
const kept = signal<ReadonlyMap<string, CardManifest>>(new Map());

/** By card id, in the order of the edge. */
export const edgeCards = computed<ReadonlyMap<string, EdgeCard>>(() => {
  const known = new Map([...kept.value, ...manifests.value]);
  return new Map(edgeEntities.value.map((data) => [viewKey(placeOf(data)), edgeCardOf(data, known)]));
});

/** The places of these cards. */
export const edgePlaces = computed(() =>
  edgeEntities.value.map((data) => ({ id: viewKey(placeOf(data)), ...placeOf(data) })),
);

/** Read the manifests that entities name and that are not known: those of the clock if it has them, else of the present. */
export async function refreshEdgeManifests(): Promise<void> {
  if (haveManifests(kept.value)) return;
  await untilManifests();
  kept.value = haveManifests(manifests.value) ? manifests.value : await readManifests({}, () => true);
}

function haveManifests(known: ReadonlyMap<string, CardManifest>): boolean {
  return edgeEntities.value.every((data) => manifestOf(known, data) !== undefined);
}

/** Clear all when the user changes. */
export function clearEdgeManifests(): void {
  kept.value = new Map();
}

/** The value at a path of what the edge says; undefined if there is none. */
export function valueAt(data: EdgeEntity, path: string): unknown {
  let found: unknown = data;
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found ?? undefined;
}

/** The controls that a card offers now. */
export function offeredControls({ card, data }: EdgeCard): readonly CardControl[] {
  const all = card.manifest?.layout?.controls ?? [];
  return all.filter(({ request, shownIf }) => isSendable(request) && isShown(shownIf, (key) => valueAt(data, key)));
}

/** Whether a card or a form has one of the values that something is shown for. */
export function isShown(condition: CardControl["shownIf"], valueOf: (key: string) => unknown): boolean {
  return Object.entries(condition ?? {}).every(([key, values]) => values.some((one) => one === valueOf(key)));
}

function placeOf({ systemId, containerId, uniqueId, manifestId }: EdgeEntity): Entity & { viewId: string } {
  return { scopeId: NO_SCOPE, systemId, containerId, uniqueId, viewId: manifestId };
}

function edgeCardOf(data: EdgeEntity, known: ReadonlyMap<string, CardManifest>): EdgeCard {
  const { manifestId, manifestVersion, entityType } = data;
  const order = "";
  const manifest = manifestOf(known, data);
  const named = pathsOf("", data).filter(([path]) => Object.hasOwn(manifest?.allowedKeys ?? {}, path));
  const cells = new Map<string, Cell>(named.map(([path, value]) => [path, { value, order }]));
  const view = {
    ...placeOf(data),
    ...{ manifestId, manifestVersion, order, doubt: false },
    cells: new Map([[manifestVersion, cells]]),
    completeVersions: new Set([manifestVersion]),
  };
  return { card: cardOf(view, manifest), entityType, data };
}

/** The values by their paths; lists of values are one value, and what is absent has none. */
function pathsOf(path: string, value: unknown): [string, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [[path, value.join(", ")]];
  if (typeof value !== "object") return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => pathsOf(path === "" ? name : `${path}.${name}`, inner));
}
