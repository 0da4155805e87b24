/** Limits of manifests as texts. The Core judges by them; the page only says what they are. */

import type { AlarmInfo, KeySpec } from "../../api/protocol";

/** The bound that an alarm's value is beyond; empty where it is beyond none, as texts are. */
export function boundText({ severity, value }: Pick<AlarmInfo, "severity" | "value">, spec: KeySpec): string {
  const limits = spec.limits;
  if (limits == null || typeof value !== "number") return "";
  const [low, high] =
    severity === "critical" ? [limits.criticalLow, limits.criticalHigh] : [limits.warningLow, limits.warningHigh];
  if (low != null && value < low) return `below ${low}`;
  return high != null && value > high ? `above ${high}` : "";
}

/** The limits of a key as text; empty if it has none. */
export function limitsText(spec: KeySpec): string {
  const limits = spec.limits;
  if (limits == null) return "";
  const label = (value: string | boolean) => spec.labels?.[String(value)] ?? String(value);
  const parts = (["warning", "critical"] as const).flatMap((severity) => {
    const low = severity === "warning" ? limits.warningLow : limits.criticalLow;
    const high = severity === "warning" ? limits.warningHigh : limits.criticalHigh;
    const cases = [
      ...(low == null ? [] : [`below ${low}`]),
      ...(high == null ? [] : [`above ${high}`]),
      ...(limits[severity] ?? []).map((value) => `at ${label(value)}`),
    ];
    return cases.length === 0 ? [] : [`${severity} ${cases.join(" or ")}`];
  });
  return parts.join("; ");
}
