/** A card: the state of a view, interpreted by its manifest, with its limit violations. */

import { type Excursion, excursionAfter } from "../alarms/excursion";
import { isViolation, type Severity, type Verdict, verdictOf, worstVerdict } from "../alarms/limits";
import type { Timebase } from "../clock/clock";
import type { StoredEvent } from "../values/event";
import { normalTime } from "../values/event_order";
import {
  type CardManifest,
  type KeySpec,
  manifestKeySpec,
  type RowGroup,
  rowGroups,
  shieldKeys,
  sparklineKeys,
} from "./manifests";
import { type Cells, cellsOf, foldUpdates, type KeyObserver, viewKey, type ViewState } from "./ui_state";

/** A value that is out of its limits, with the start of its excursion if that is known. */
export interface LimitViolation {
  readonly key: string;
  readonly severity: Severity;
  readonly excursion: Excursion | undefined;
}

export interface Card {
  /** The map key of a view of an entity. */
  readonly id: string;
  readonly view: ViewState;
  /** Undefined if the manifest that the updates name is not published. */
  readonly manifest: CardManifest | undefined;
  readonly cells: Cells;
  /** The values that are out of limits, in the order of the card. */
  readonly violations: readonly LimitViolation[];
  /** How many values have limits and are in them. */
  readonly inLimits: number;
  readonly excursions: ReadonlyMap<string, Excursion>;
}

/** Build the card of a state. Known excursions are kept as long as they can still hold. */
export function cardOf(
  view: ViewState,
  manifest: CardManifest | undefined,
  known: ReadonlyMap<string, Excursion> = new Map(),
): Card {
  const cells = cellsOf(view);
  const violations: LimitViolation[] = [];
  const excursions = new Map<string, Excursion>();
  let inLimits = 0;
  for (const [key, cell] of cells) {
    const verdict = verdictOf(cell.value, manifestKeySpec(manifest, key));
    if (verdict === "ok") inLimits += 1;
    if (!isViolation(verdict)) continue;
    const excursion = known.get(key);
    if (excursion !== undefined) excursions.set(key, excursion);
    violations.push({ key, severity: verdict, excursion });
  }
  return { id: viewKey(view), view, manifest, cells, violations, inLimits, excursions };
}

/** A card after more updates of its view, in any order. */
export function cardWithUpdates(
  card: Card,
  events: readonly StoredEvent[],
  timebase: Timebase,
  find: (view: ViewState) => CardManifest | undefined,
): Card {
  const excursions = new Map(card.excursions);
  const follow: KeyObserver = (event, key, { value, order }, before, after) => {
    const spec = manifestKeySpec(card.manifest, key);
    if (spec.limits == null || event["manifestVersion"] !== card.view.manifestVersion) return;
    const said = { value, order, source: normalTime(event.sourceTruthTime) };
    const found = excursionAfter(excursions.get(key), said, before, after, spec);
    if (found === undefined) excursions.delete(key);
    else excursions.set(key, found);
  };
  const view = foldUpdates(card.view, events, timebase, card.manifest === undefined ? undefined : follow);
  const manifest = find(view);
  const isOther = view.manifestVersion !== card.view.manifestVersion || manifest !== card.manifest;
  return cardOf(view, manifest, isOther ? undefined : excursions);
}

/** The keys in violation whose excursion start is unknown. */
export function keysWithoutStart(card: Card): string[] {
  return card.violations.flatMap(({ key, excursion }) => (excursion === undefined ? [key] : []));
}

/** The status of a card: the worst of its values. */
export function statusOf(card: Card): Verdict {
  if (card.violations.length > 0) return worstVerdict(card.violations.map(({ severity }) => severity));
  return card.inLimits > 0 ? "ok" : undefined;
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
  return typeof value === "string" ? value : card.view.uniqueId;
}

/** The title of a card: its manifest's, else its viewId. */
export function cardTitle(card: Card): string {
  return card.manifest?.title ?? card.view.viewId;
}
