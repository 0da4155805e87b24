/** Panels of gauges: numbers between two ends, with the limits of their manifests. */

import type { KeySpec } from "../../api/protocol";
import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";

export interface GaugeOptions {
  fields?: FieldRef[];
  low?: number;
  high?: number;
}

const GAUGES_MAX = 24;

export const gaugeKind: PanelKind<GaugeOptions> = {
  kind: "gauge",
  title: "Gauges",
  isSingle: false,
  schema: {
    fields: { label: "Fields", type: "fields", max: GAUGES_MAX },
    low: { label: "Low end", type: "number" },
    high: { label: "High end", type: "number" },
  },
  titleOf: ({ fields = [] }) => (fields.length === 1 ? (fields[0] as FieldRef).field : "Gauges"),
  withField: (options, field) => ({ ...options, fields: withFieldAdded(options.fields, field, GAUGES_MAX) }),
};

export interface Zone {
  readonly low: number;
  readonly high: number;
  readonly severity: "warning" | "critical";
}

/** The ends of a gauge and what of it is out of limits. */
export interface GaugeScale {
  readonly low: number;
  readonly high: number;
  readonly zones: readonly Zone[];
}

/** Room beyond the outermost limits, as a share of their distance. */
const BEYOND_LIMITS = 0.15;

/**
 * The scale of a gauge: its options' ends, else just beyond the outermost limits of both sides; without
 * them 0 to 100 for %, else a range of 1, 2 or 5 times a power of ten that has the value.
 */
export function gaugeScale(spec: KeySpec, value: number | undefined, { low, high }: GaugeOptions): GaugeScale {
  const found = endsOf(spec, value);
  const ends = { low: low ?? found.low, high: high ?? found.high };
  if (ends.high <= ends.low) ends.high = ends.low + 1;
  return { ...ends, zones: zonesOf(spec, ends) };
}

function endsOf({ limits, unit }: KeySpec, value: number | undefined): { low: number; high: number } {
  const bounds = [limits?.criticalLow, limits?.warningLow, limits?.warningHigh, limits?.criticalHigh].filter((one) => one != null);
  const low = limits?.criticalLow ?? limits?.warningLow;
  const high = limits?.criticalHigh ?? limits?.warningHigh;
  if (low != null && high != null && high > low) {
    const room = (high - low) * BEYOND_LIMITS;
    return { low: low - room, high: high + room };
  }
  if (unit === "%" && [value ?? 0, ...bounds].every((one) => one >= 0 && one <= 100)) return { low: 0, high: 100 };
  const size = Math.max(1e-9, Math.abs(value ?? 0), ...bounds.map(Math.abs));
  const end = rounded(size);
  return { low: (value ?? 0) < 0 || bounds.some((one) => one < 0) ? -end : 0, high: end };
}

/** The next 1, 2 or 5 times a power of ten. */
function rounded(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return (([1, 2, 5, 10].find((factor) => factor * power >= size) ?? 10) as number) * power;
}

function zonesOf({ limits }: KeySpec, { low, high }: { low: number; high: number }): Zone[] {
  if (limits == null) return [];
  const { criticalLow, warningLow, warningHigh, criticalHigh } = limits;
  const zones: Zone[] = [
    { severity: "warning", low: criticalLow ?? low, high: warningLow ?? low },
    { severity: "warning", low: warningHigh ?? high, high: criticalHigh ?? high },
    { severity: "critical", low, high: criticalLow ?? low },
    { severity: "critical", low: criticalHigh ?? high, high },
  ];
  const within = zones.map((zone) => ({ ...zone, low: Math.max(low, zone.low), high: Math.min(high, zone.high) }));
  return within.filter((zone) => zone.high > zone.low);
}

/** Where a value is between the ends, from 0 to 1. */
export function gaugeShare(value: number, { low, high }: GaugeScale): number {
  return Math.min(1, Math.max(0, (value - low) / (high - low)));
}
