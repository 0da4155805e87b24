/** A card: the state of a view as its manifest reads it, with what is out of limits in it. */

import type { StoredEvent } from "./event";
import { type Excursion, followed } from "./excursion";
import { isOut, type Severity, type Verdict, verdictOf, worst } from "./limits";
import {
  type CardManifest,
  groupsOf,
  type KeySpec,
  type Rows,
  shieldKeys,
  sparklineKeys,
  specOf,
} from "./manifests";
import { normal } from "./order";
import type { Timebase } from "./timeline";
import { type Cells, cellsOf, folded, type Told, type ViewState, viewKey } from "./ui_state";

/** A value that is out of its limits, and since when, where that is known. */
export interface Out {
  readonly key: string;
  readonly severity: Severity;
  readonly excursion: Excursion | undefined;
}

export interface Card {
  /** One text per view of an entity. */
  readonly id: string;
  readonly view: ViewState;
  /** Undefined where nobody has published the one that the updates name. */
  readonly manifest: CardManifest | undefined;
  readonly cells: Cells;
  /** The values that are out of limits, in the order of the card. */
  readonly outs: readonly Out[];
  /** How many values have limits and are in them. */
  readonly inLimits: number;
  readonly excursions: ReadonlyMap<string, Excursion>;
}

/** The card of a state; what was known of excursions stays known where it still may be so. */
export function cardOf(
  view: ViewState,
  manifest: CardManifest | undefined,
  known: ReadonlyMap<string, Excursion> = new Map(),
): Card {
  const cells = cellsOf(view);
  const outs: Out[] = [];
  const excursions = new Map<string, Excursion>();
  let inLimits = 0;
  for (const [key, cell] of cells) {
    const verdict = verdictOf(cell.value, specOf(manifest, key));
    if (verdict === "ok") inLimits += 1;
    if (!isOut(verdict)) continue;
    const excursion = known.get(key);
    if (excursion !== undefined) excursions.set(key, excursion);
    outs.push({ key, severity: verdict, excursion });
  }
  return { id: viewKey(view), view, manifest, cells, outs, inLimits, excursions };
}

/** A card after more updates of its view, in whatever order they come. */
export function cardAfter(
  card: Card,
  events: readonly StoredEvent[],
  timebase: Timebase,
  find: (view: ViewState) => CardManifest | undefined,
): Card {
  const excursions = new Map(card.excursions);
  const follow: Told = (event, key, { value, order }, before, after) => {
    const spec = specOf(card.manifest, key);
    if (spec.limits == null || event["manifestVersion"] !== card.view.manifestVersion) return;
    const said = { value, order, source: normal(event.sourceTruthTime) };
    const found = followed(excursions.get(key), said, before, after, spec);
    if (found === undefined) excursions.delete(key);
    else excursions.set(key, found);
  };
  const view = folded(card.view, events, timebase, card.manifest === undefined ? undefined : follow);
  const manifest = find(view);
  const isOther = view.manifestVersion !== card.view.manifestVersion || manifest !== card.manifest;
  return cardOf(view, manifest, isOther ? undefined : excursions);
}

/** The keys that are out of limits since nobody knows when. */
export function unreadKeys(card: Card): string[] {
  return card.outs.flatMap(({ key, excursion }) => (excursion === undefined ? [key] : []));
}

/** The status of a card: the worst of its values. */
export function statusOf(card: Card): Verdict {
  if (card.outs.length > 0) return worst(card.outs.map(({ severity }) => severity));
  return card.inLimits > 0 ? "ok" : undefined;
}

/** A key's specification. */
export function keySpec(card: Card, key: string): KeySpec {
  return specOf(card.manifest, key);
}

/** The keys that are shown at a glance. */
export function glance(card: Card): readonly string[] {
  return shieldKeys(card.manifest, [...card.cells.keys()]);
}

/** The rows of a card, in their groups. */
export function rowsOf(card: Card): readonly Rows[] {
  return groupsOf(card.manifest, [...card.cells.keys()]);
}

/** The keys whose past is drawn. */
export function drawnKeys(card: Card): readonly string[] {
  const numbers = [...card.cells].flatMap(([key, { value }]) => (typeof value === "number" ? [key] : []));
  return sparklineKeys(card.manifest, numbers);
}

/** What a card is called: as its manifest says, or as its view is. */
export function nameOfCard(card: Card): string {
  return card.manifest?.title ?? card.view.viewId;
}
