/** What the values of a field are, as Open MCT shows them, and the values themselves. */

import { fieldValue, type StoredEvent } from "../../src/model/values/event";
import { keyUnit } from "../../src/model/values/format";
import type { KnownField } from "./catalog";
import type { Datum, ValueMetadata } from "./openmct";
import { TIMES } from "./time_systems";

/** The key of the value in a datum. */
export const VALUE = "value";

/** Columns of a field's values: itself, and both times. */
export function valuesOf(field: KnownField): ValueMetadata[] {
  const times = TIMES.map(({ key, name }, index) => ({ key, name, format: "utc", hints: { domain: index + 1 } }));
  return [...times, valueOf(field)];
}

function valueOf({ field, kind, spec }: KnownField): ValueMetadata {
  const found: ValueMetadata = { key: VALUE, name: spec.title ?? field, format: "number", hints: { range: 1 } };
  const unit = keyUnit(field, spec);
  if (unit !== "") found.unit = unit;
  if (spec.minimum != null) found.min = spec.minimum;
  if (spec.maximum != null) found.max = spec.maximum;
  if (spec.precision != null) found.formatString = `%.${spec.precision}f`;
  const texts = valueTexts({ kind, spec });
  if (texts !== undefined) return { ...found, format: "enum", enumerations: texts.map(([, string], value) => ({ value, string })) };
  return kind === "string" ? { ...found, format: "string" } : found;
}

/** Values that have a text, each with its text, in the order of their numbers; undefined for all else. */
function valueTexts({ kind, spec }: Pick<KnownField, "kind" | "spec">): [string, string][] | undefined {
  const labels = spec.labels ?? {};
  if (kind === "boolean") return ["false", "true"].map((name) => [name, labels[name] ?? name]);
  return kind === "string" && spec.type === "enum" ? Object.entries(labels) : undefined;
}

/** A value as a datum has it: a boolean or the value of an enumeration is its number. */
export function shownValue(value: unknown, field: KnownField): number | string | undefined {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const index = valueTexts(field)?.findIndex(([name]) => name === value) ?? -1;
  return index < 0 ? value : index;
}

/** The datum of an event; undefined if it does not have the field. */
export function datumOf(event: StoredEvent, field: KnownField): Datum | undefined {
  const value = shownValue(fieldValue(event, field.field), field);
  if (value === undefined) return undefined;
  return { value, source: Date.parse(event.sourceTruthTime), canonical: Date.parse(event.canonicalTruthTime) };
}
