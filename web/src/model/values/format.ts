/** Values as they are read: with the precision, unit and labels that their manifest gives them. */

import type { KeySpec } from "../../api/protocol";
import { valueText } from "./event";
import { formatTime } from "./time";
import { unitOf } from "./units";

/** What stands where there is no value. */
export const NO_VALUE = "–";
const TEXT_MAX_CHARS = 120;

/** A value's text; units stand apart, for they are written in another colour. */
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
  // A sign before nothing but zeros would come and go with the noise.
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

function truncated(text: string): string {
  return text.length > TEXT_MAX_CHARS ? `${text.slice(0, TEXT_MAX_CHARS)}…` : text;
}

/** The unit of a key: its manifest's, or where nothing is said of it the one that its name ends in. */
export function keyUnit(key: string, spec: KeySpec): string {
  return spec.unit ?? (spec.type === "any" ? (unitOf(key) ?? "") : "");
}
