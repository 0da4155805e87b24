/** Alarms as of the clock: limit violations with their acknowledgements, and totals. */

import { computed } from "@preact/signals";
import type { Card, LimitViolation } from "../cards/card";
import { cards } from "../cards/cards";
import { cursor, state, timebase } from "../clock/clock";
import { acknowledgedBy, type Acknowledgement, acknowledgements, alarmKey } from "./acknowledgements";
import { isAtLeastAsBad, type Severity, type Verdict } from "./limits";

/** A value that is out of limits. */
export interface Alarm {
  /** The map key of one key of a view of an entity. */
  readonly id: string;
  readonly card: Card;
  readonly violation: LimitViolation;
  /** Undefined if not acknowledged, or if the start of the excursion is still being read. */
  readonly acknowledged: Acknowledgement | undefined;
}

/** How many values are in limits, out of them, and out of them but acknowledged. */
export interface AlarmTotals {
  readonly inLimits: number;
  readonly out: number;
  readonly acknowledged: number;
  /** The worst severity that is not acknowledged. */
  readonly worst: Verdict;
}

/** All alarms: unacknowledged first, then by severity, then in the order of the cards. */
export const alarms = computed<readonly Alarm[]>(() => {
  const found = [...cards.value.values()].flatMap((one) => alarmsOf(one.value));
  return found.sort((one, two) => rankOf(two) - rankOf(one));
});

/** Totals over all cards. */
export const alarmTotals = computed<AlarmTotals>(() => {
  let inLimits = 0;
  for (const one of cards.value.values()) inLimits += one.value.inLimits;
  const open = alarms.value.filter(({ acknowledged }) => acknowledged === undefined);
  const worst = open.reduce<Severity | undefined>((found, { violation }) => worseOf(found, violation.severity), undefined);
  const others = alarms.value.length - open.length;
  return { inLimits, out: open.length, acknowledged: others, worst: worst ?? (inLimits > 0 ? "ok" : undefined) };
});

/** The alarms of one card, in its order. */
export function alarmsOf(card: Card): Alarm[] {
  if (card.violations.length === 0) return [];
  const until = state.value === "LIVE" ? undefined : cursor.value;
  return card.violations.map((violation) => {
    const id = alarmKey({ ...card.view, key: violation.key });
    const all = acknowledgements.value.get(id);
    const acknowledged = acknowledgedBy(all, violation.excursion, violation.severity, until, timebase.value);
    return { id, card, violation, acknowledged };
  });
}

function worseOf(one: Severity | undefined, other: Severity): Severity {
  return one !== undefined && isAtLeastAsBad(one, other) ? one : other;
}

function rankOf({ violation, acknowledged }: Alarm): number {
  return (acknowledged === undefined ? 2 : 0) + (violation.severity === "critical" ? 1 : 0);
}
