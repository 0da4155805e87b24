/** The limits of manifests: what a value violates, and the lines of plots. */

import type { Catalog, KnownField } from "./catalog";
import { fieldOf } from "./history";
import { isPoint, pointOfObject } from "./identifiers";
import type { Datum, DomainObject, LimitLines, TelemetryProvider, ValueMetadata, Violation } from "./openmct";
import { shownValue, VALUE } from "./point_values";

const WARNING = { name: "Warning", css: "yellow" };
const CRITICAL = { name: "Critical", css: "red" };

export function limits(catalog: Catalog): TelemetryProvider {
  return {
    supportsLimits: isPoint,
    getLimitEvaluator: (object: DomainObject) => {
      let field: KnownField | undefined;
      void fieldOf(catalog, pointOfObject(object)).then((found) => (field = found));
      const isValue = (column?: ValueMetadata) => column === undefined || column.key === VALUE;
      return { evaluate: (datum: Datum, column?: ValueMetadata) => (field !== undefined && isValue(column) ? violationOf(datum.value, field) : undefined) };
    },
    getLimits: (object: DomainObject) => ({
      limits: async () => linesOf(await fieldOf(catalog, pointOfObject(object))),
    }),
  };
}

/** What limit a value violates, the worst of them; undefined if none. */
export function violationOf(value: number | string, field: KnownField): Violation | undefined {
  const found = field.spec.limits ?? {};
  return (
    violated(value, CRITICAL, bounds(found.criticalLow, found.criticalHigh), listed(found.critical, field)) ??
    violated(value, WARNING, bounds(found.warningLow, found.warningHigh), listed(found.warning, field))
  );
}

function violated(
  value: number | string,
  { name, css }: typeof WARNING,
  { low, high }: { low: number; high: number },
  values: readonly (number | string | undefined)[],
): Violation | undefined {
  const number = typeof value === "number" ? value : Number.NaN;
  const side = number > high || values.includes(value) ? "upr" : number < low ? "lwr" : undefined;
  return side === undefined ? undefined : { cssClass: `is-limit--${side} is-limit--${css}`, name, low, high };
}

function bounds(low: number | null | undefined, high: number | null | undefined): { low: number; high: number } {
  return { low: low ?? Number.NEGATIVE_INFINITY, high: high ?? Number.POSITIVE_INFINITY };
}

/** Alarm values of an enumeration or a boolean as datums have them. */
function listed(values: readonly (string | boolean)[] | undefined, field: KnownField): (number | string | undefined)[] {
  return (values ?? []).map((value) => shownValue(value, field));
}

/** The lines of a plot; undefined where there are none. */
export function linesOf(field: KnownField | undefined): LimitLines | undefined {
  const found = field?.spec.limits;
  if (found == null) return undefined;
  const levels = [
    ["WARNING", WARNING.css, found.warningLow, found.warningHigh],
    ["CRITICAL", CRITICAL.css, found.criticalLow, found.criticalHigh],
  ] as const;
  const lines = levels.map(([level, color, low, high]) => [
    level,
    { ...(low == null ? {} : { low: { color, value: low } }), ...(high == null ? {} : { high: { color, value: high } }) },
  ]);
  return Object.fromEntries(lines) as LimitLines;
}
