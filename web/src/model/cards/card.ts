/** A card: the state of a view, interpreted by its manifest. */

import type { Timebase } from "../clock/clock";
import { entityName } from "../entities/entity_names";
import type { StoredEvent } from "../values/event";
import { manifestKeySpec } from "./manifest_keys";
import {
  type CardManifest,
  type KeySpec,
  type RowGroup,
  rowGroups,
  shieldKeys,
  sparklineKeys,
} from "./manifests";
import { type Cells, cellsOf, foldUpdates, viewKey, type ViewState } from "./ui_state";

export interface Card {
  /** The map key of a view of an entity. */
  readonly id: string;
  readonly view: ViewState;
  /** Undefined if the manifest that the updates name is not published. */
  readonly manifest: CardManifest | undefined;
  readonly cells: Cells;
}

/** Build the card of a state. */
export function cardOf(view: ViewState, manifest: CardManifest | undefined): Card {
  return { id: viewKey(view), view, manifest, cells: cellsOf(view) };
}

/** A card after more updates of its view, in any order. */
export function cardWithUpdates(
  card: Card,
  events: readonly StoredEvent[],
  timebase: Timebase,
  find: (view: ViewState) => CardManifest | undefined,
): Card {
  const view = foldUpdates(card.view, events, timebase);
  return cardOf(view, find(view));
}

/** A key's specification. */
export function keySpec(card: Card, key: string): KeySpec {
  return manifestKeySpec(card.manifest, key);
}

/** The keys that are shown on the shield. */
export function cardShieldKeys(card: Card): readonly string[] {
  return shieldKeys(card.manifest, [...card.cells.keys()]);
}

/** The rows of a card, in their groups. */
export function cardRows(card: Card): readonly RowGroup[] {
  return rowGroups(card.manifest, [...card.cells.keys()]);
}

/** The keys that have a sparkline. */
export function cardSparklineKeys(card: Card): readonly string[] {
  const numbers = [...card.cells].flatMap(([key, { value }]) => (typeof value === "number" ? [key] : []));
  return sparklineKeys(card.manifest, numbers);
}

/** The name of a card's entity: the value of the key that its manifest names, else its uniqueId. */
export function cardName(card: Card): string {
  const key = card.manifest?.layout?.name;
  const value = key == null ? undefined : card.cells.get(key)?.value;
  return typeof value === "string" ? value : entityName(card.view);
}

/** The title of a card: its manifest's, else its viewId. */
export function cardTitle(card: Card): string {
  return card.manifest?.title ?? card.view.viewId;
}
