/** Values as display text, with the precision, unit and labels of their manifest. */

import type { KeySpec } from "../../api/protocol";
import { valueText } from "./event";
import { formatTime } from "./time";
import { unitOf } from "./units";

/** Shown in place of a missing value. */
export const NO_VALUE = "–";
const TEXT_MAX_CHARS = 120;

/** A value's text, without its unit, which is drawn in another colour. */
export function formatValue(value: unknown, spec: KeySpec): string {
  if (value === null || value === undefined) return NO_VALUE;
  if (typeof value === "number") return numberText(value, spec.precision ?? undefined);
  if (typeof value === "boolean") return spec.labels?.[String(value)] ?? (value ? "yes" : "no");
  if (typeof value === "string") {
    if (spec.type === "time") return formatTime(value);
    return truncated(spec.labels?.[value] ?? value);
  }
  return truncated(JSON.stringify(value));
}

function numberText(value: number, precision: number | undefined): string {
  const text = precision === undefined ? valueText(value) : value.toFixed(precision);
  // A minus sign before only zeros would flicker with noise.
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

function truncated(text: string): string {
  return text.length > TEXT_MAX_CHARS ? `${text.slice(0, TEXT_MAX_CHARS)}…` : text;
}

/** The unit of a key: its manifest's, or the one in its name if it has no manifest. */
export function keyUnit(key: string, spec: KeySpec): string {
  return spec.unit ?? (spec.type === "any" ? (unitOf(key) ?? "") : "");
}
