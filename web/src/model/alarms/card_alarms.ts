/** The alarms of cards: those of the keys of a view, by manifests and by rules. */

import { computed } from "@preact/signals";
import type { AlarmInfo } from "../../api/protocol";
import { type Card, keySpec } from "../cards/card";
import { cards } from "../cards/cards";
import { staleViews } from "../cards/stale_views";
import { type Cell, viewKey } from "../cards/ui_state";
import { rankOf } from "./alarm_list";
import { alarmStates, isJudged } from "./alarm_states";

export type CardSeverity = "warning" | "critical";
/** How a value is: undefined if it has no limits, or if it is not known whether it is in them. A stale one was in them. */
export type Verdict = CardSeverity | "ok" | "stale" | undefined;

/** How many values are in limits, out of them, and out of them but acknowledged. */
export interface ValueTotals {
  readonly inLimits: number;
  /** Those that were in limits in the last update of a view that is silent. */
  readonly stale: number;
  readonly out: number;
  readonly acknowledged: number;
  /** The worst severity that is not acknowledged. */
  readonly worst: Verdict;
  /** The worst one of values that are. */
  readonly worstAcknowledged: Verdict;
}

/** What limits can judge. */
const LIMITED_TYPES: ReadonlySet<string> = new Set(["number", "string", "boolean"]);
const NO_ALARMS: readonly AlarmInfo[] = [];

/** The alarms by the key of their view, the worst first. */
const byView = computed<ReadonlyMap<string, readonly AlarmInfo[]>>(() => {
  const found = new Map<string, AlarmInfo[]>();
  for (const one of alarmStates.value.values()) {
    if (one.lane !== "ui" || !one.viewId) continue;
    const id = viewKey({ ...one, viewId: one.viewId });
    const known = found.get(id);
    if (known === undefined) found.set(id, [one]);
    else known.push(one);
  }
  for (const all of found.values()) all.sort((one, other) => rankOf(other) - rankOf(one));
  return found;
});

/** The alarms of a card that are out of limits, the worst first. */
export function alarmsOfCard(id: string): readonly AlarmInfo[] {
  return byView.value.get(id)?.filter(({ severity }) => severity != null) ?? NO_ALARMS;
}

/** Those of one of its keys. */
export function alarmsOfKey(id: string, key: string): readonly AlarmInfo[] {
  return alarmsOfCard(id).filter(({ field }) => field === key);
}

/** Whether a card has values out of limits. */
export function isOutOfLimits(id: string): boolean {
  return alarmsOfCard(id).length > 0;
}

/** How the Core judges a value. */
export function verdictOf(card: Card, key: string): Verdict {
  const [worst] = alarmsOfKey(card.id, key);
  if (worst !== undefined) return signOf(worst.severity);
  return isInLimits(card, key) ? freshOk(card) : undefined;
}

/** Whether what was in limits still is, is known only while its view is updated. */
function freshOk(card: Card): "ok" | "stale" {
  return staleViews.value.has(card.id) ? "stale" : "ok";
}

function isInLimits(card: Card, key: string): boolean {
  return isJudged.value && limitedKeys(card).has(key) && !isSpokenOf(card.id, key);
}

/** Whether a key is out of limits, or not judged because its alarm is disabled. */
function isSpokenOf(id: string, key: string): boolean {
  const isOwn = (one: AlarmInfo) => one.field === key && (one.severity != null || one.disabled === true);
  return byView.value.get(id)?.some(isOwn) === true;
}

/** Whether a limit of a key is not judged. */
function isDisabled(id: string, key: string): boolean {
  return byView.value.get(id)?.some((one) => one.field === key && one.disabled === true) === true;
}

const limited = new WeakMap<Card, ReadonlySet<string>>();

/** The keys whose value has limits. */
function limitedKeys(card: Card): ReadonlySet<string> {
  let keys = limited.get(card);
  if (keys === undefined) {
    const isLimited = ([key, { value }]: [string, Cell]) => LIMITED_TYPES.has(typeof value) && keySpec(card, key).limits != null;
    keys = new Set([...card.cells].filter(isLimited).map(([key]) => key));
    limited.set(card, keys);
  }
  return keys;
}

/** The status of a card: the worst of its values; not within limits while one of them is not judged. */
export function statusOf(card: Card): Verdict {
  const [worst] = alarmsOfCard(card.id);
  if (worst !== undefined) return signOf(worst.severity);
  if ([...card.cells.keys()].some((key) => isDisabled(card.id, key))) return undefined;
  if (staleViews.value.has(card.id)) return "stale";
  return [...limitedKeys(card)].some((key) => isInLimits(card, key)) ? "ok" : undefined;
}

/** Whether somebody has acknowledged all that is out of limits. */
export function isAcknowledged(card: Card): boolean {
  const all = alarmsOfCard(card.id);
  return all.length > 0 && all.every(({ state }) => state === "acknowledged");
}

/** The class of a severity's sign: `watch` looks as a warning does, and `severe` as critical. */
export function signOf(severity: AlarmInfo["severity"]): CardSeverity | "ok" {
  if (severity == null) return "ok";
  return severity === "critical" || severity === "severe" ? "critical" : "warning";
}

/** How many values of a card are in limits; most cards have no alarm at all. */
function inLimitsOf(card: Card): number {
  const keys = limitedKeys(card);
  return byView.value.has(card.id) ? [...keys].filter((key) => !isSpokenOf(card.id, key)).length : keys.size;
}

/** The alarms of a card that are not shelved and out of limits, by their value. */
function openByValue(id: string): Iterable<readonly AlarmInfo[]> {
  const found = new Map<string, AlarmInfo[]>();
  for (const one of alarmsOfCard(id)) {
    if (one.shelved === true) continue;
    const known = found.get(one.field);
    if (known === undefined) found.set(one.field, [one]);
    else known.push(one);
  }
  return found.values();
}

/** Totals over all cards: a value counts once, whatever alarms it has, and as out until all are acknowledged. */
export const valueTotals = computed<ValueTotals>(() => {
  let [inLimits, stale, out, acknowledged] = [0, 0, 0, 0];
  let [worst, worstAcknowledged]: Verdict[] = [];
  for (const one of cards.value.values()) {
    const card = one.value;
    if (isJudged.value && freshOk(card) === "ok") inLimits += inLimitsOf(card);
    else if (isJudged.value) stale += inLimitsOf(card);
    for (const ofValue of openByValue(card.id)) {
      const unseen = ofValue.find(({ state }) => state !== "acknowledged");
      if (unseen === undefined) {
        acknowledged += 1;
        if (worstAcknowledged !== "critical") worstAcknowledged = signOf(ofValue[0]?.severity);
      } else {
        out += 1;
        if (worst !== "critical") worst = signOf(unseen.severity);
      }
    }
  }
  return { inLimits, stale, out, acknowledged, worst: worst ?? (inLimits > 0 ? "ok" : undefined), worstAcknowledged };
});
