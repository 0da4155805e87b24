/** The entities that `discover` lists, the selected one, and when each was last seen as of the clock. */

import { computed, signal } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import { Emitter } from "../../emitter";
import { cursorMs, state, timebase } from "../clock/clock";
import { defaultView, request } from "../session/session";
import { type Entity, entityKey, type Lane } from "../values/event";
import { matchingEntities, treeOf, treeRowsOf } from "./entity_tree";

/** A slow listing is requested less often: it takes up at most this share of the time… */
const BUSY_SHARE = 0.05;
/** …but not less often than this. */
const PAUSE_MAX_MS = 30_000;
/** The first page of a listing is short, so that a slow line shows it soon; the others are as long as the server allows. */
const FIRST_PAGE_ENTITIES = 50;

/** The lanes that an edge does not stream. */
export const UNSTREAMED_LANES: readonly Lane[] = ["parsed", "raw"];

export const entities = signal<readonly EntityInfo[] | null>(null);
export const selectedEntity = signal<Entity | null>(null);
export const entitySearch = signal("");
/** Keys of the nodes that are closed. */
export const foldedNodes = signal<ReadonlySet<string>>(new Set());
/** Emits each listing of the present. */
export const presentListings = new Emitter<[found: readonly EntityInfo[]]>();
/** Why there is no listing; empty if there is one. */
export const entitiesError = signal("");

/** The tree's rows; matches of a search are unfolded. */
export const treeRows = computed(() => {
  const found = matchingEntities(entities.value ?? [], entitySearch.value);
  return treeRowsOf(treeOf(found), entitySearch.value.trim() === "" ? foldedNodes.value : new Set());
});

/** The clock in whole seconds: ages need no more. */
export const clockSecondMs = computed(() => Math.floor(cursorMs.value / 1000) * 1000);

/** Whether the user or a link chose the entity. An automatic choice gives way to the instance's default. */
let isChosen = false;
let notBeforeMs = 0;

/** Select an entity; its panels follow. */
export function selectEntity(entity: Entity): void {
  isChosen = true;
  // A copy, so that it is a change too if this entity is the selected one already.
  selectedEntity.value = { ...entity };
}

/** Open or close a node of the tree. */
export function setFolded(key: string, isClosed: boolean): void {
  const next = new Set(foldedNodes.value);
  if (isClosed) next.add(key);
  else next.delete(key);
  foldedNodes.value = next;
}

/** List the entities; the first reply selects the instance's default, or the first with values. Of many entities the
 * first page is shown before the others are listed, for which `mayContinue` is awaited. */
export async function refreshEntities(mayContinue?: () => Promise<void>): Promise<void> {
  const startMs = Date.now();
  if (startMs < notBeforeMs) return;
  try {
    const onFirst = (first: readonly EntityInfo[]) => (showFirst(first), mayContinue?.());
    const found = await discoverAll(undefined, undefined, entities.value === null ? onFirst : undefined);
    entities.value = found;
    entitiesError.value = "";
    if (state.value === "LIVE") presentListings.emit(found);
    chooseInitial(found);
    notBeforeMs = Date.now() + Math.min((Date.now() - startMs) / BUSY_SHARE, PAUSE_MAX_MS);
  } catch (error) {
    // How long a failure took says nothing of how long a listing takes.
    entitiesError.value = (error as Error).message;
    throw error;
  }
}

function showFirst(found: readonly EntityInfo[]): void {
  if (entities.value !== null) return;
  entities.value = found;
  chooseInitial(found);
}

/** List the entities now, however long the last listing took. */
export async function relistEntities(): Promise<void> {
  notBeforeMs = 0;
  await refreshEntities();
}

function chooseInitial(found: readonly EntityInfo[]): void {
  if (isChosen) return;
  const named = defaultView.value?.selected;
  const opening = named == null ? undefined : found.find((one) => entityKey(one) === entityKey(named));
  if (opening !== undefined) selectEntity(opening);
  else selectedEntity.value ??= found.find(hasValues) ?? found[0] ?? null;
}

/** Whether an entity has values to show. */
function hasValues(entity: EntityInfo): boolean {
  return entity.series.some(({ lane }) => lane === "ui" || lane === "parsed");
}

/** Whether an entity has series that are not streamed, as far as it is known. */
export function hasUnstreamed(entity: Entity | null): boolean {
  if (entity === null) return false;
  const key = entityKey(entity);
  return isPartlyUnstreamed(entities.value?.find((one) => entityKey(one) === key));
}

/** Whether a listed entity has series that are not streamed; one that is not listed may. */
export function isPartlyUnstreamed(entity: EntityInfo | undefined): boolean {
  return entity === undefined || entity.series.some(({ lane }) => UNSTREAMED_LANES.includes(lane as Lane));
}

/** All pages of a listing, as of a time if one is given; of all lanes, or of some; of all series, or of those with events received after a time. `onFirst` gets the first page if there are more. */
export async function discoverAll(
  time?: string,
  lanes?: readonly Lane[],
  onFirst?: (found: readonly EntityInfo[]) => Promise<void> | undefined,
  receivedAfter?: string,
): Promise<EntityInfo[]> {
  const at = {
    ...(time === undefined ? {} : { time }),
    ...(lanes === undefined ? {} : { filters: { lanes: [...lanes] } }),
    ...(receivedAfter === undefined ? {} : { receivedAfter }),
  };
  const found: EntityInfo[] = [];
  let afterKey: string | undefined;
  do {
    const page = afterKey !== undefined ? { afterKey } : onFirst === undefined ? {} : { limit: FIRST_PAGE_ENTITIES };
    const reply = await request(
      { type: "discover", timebase: timebase.value, manifests: false, ...at, ...page },
      "discoverResponse",
    );
    found.push(...reply.entities);
    if (afterKey === undefined && reply.nextKey != null) await onFirst?.([...found]);
    afterKey = reply.nextKey ?? undefined;
  } while (afterKey !== undefined);
  return found;
}
