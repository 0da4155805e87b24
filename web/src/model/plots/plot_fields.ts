/** What manifests say of plotted fields: titles, units, limits; and how the Core judges their newest values. */

import type { KeySpec } from "../../api/protocol";
import { type Verdict, verdictOf } from "../alarms/card_alarms";
import { type Card, keySpec } from "../cards/card";
import { cards } from "../cards/cards";
import { viewKey } from "../cards/ui_state";
import type { FieldRef } from "../values/field_ref";
import { keyUnit } from "../values/format";

const PLAIN: KeySpec = { type: "any" };

/** The card that has a field; undefined for fields of the parsed lane, which no manifest describes. */
function cardOfField({ series }: FieldRef): Card | undefined {
  if (series.lane !== "ui" || series.viewId === undefined) return undefined;
  return cards.value.get(viewKey({ ...series, viewId: series.viewId }))?.value;
}

/** The specification of a field by the manifest in effect. */
export function fieldSpec(of: FieldRef): KeySpec {
  const card = cardOfField(of);
  return card === undefined ? PLAIN : keySpec(card, of.field);
}

/** The unit of a field: its manifest's, else the one in its name; "" if it has none. */
export function fieldUnit(of: FieldRef): string {
  return keyUnit(of.field, fieldSpec(of));
}

/** The units of a plot, in the order of its fields: each has an axis. */
export function plotUnits(fields: readonly FieldRef[]): string[] {
  return [...new Set(fields.map(fieldUnit))];
}

/** How the Core judges a field's value as of the clock. */
export function fieldVerdict(of: FieldRef): Verdict {
  const card = cardOfField(of);
  return card === undefined || !card.cells.has(of.field) ? undefined : verdictOf(card, of.field);
}

/** A limit as a line of a plot. */
export interface LimitLine {
  readonly unit: string;
  readonly value: number;
  readonly severity: "warning" | "critical";
}

/** The limits of fields, each once. */
export function limitLines(fields: readonly FieldRef[]): LimitLine[] {
  const found = new Map<string, LimitLine>();
  for (const field of fields) {
    const unit = fieldUnit(field);
    const { warningLow, warningHigh, criticalLow, criticalHigh } = fieldSpec(field).limits ?? {};
    for (const [severity, value] of [
      ["warning", warningLow],
      ["warning", warningHigh],
      ["critical", criticalLow],
      ["critical", criticalHigh],
    ] as const) {
      if (value != null) found.set(`${unit} ${severity} ${value}`, { unit, value, severity });
    }
  }
  return [...found.values()];
}
