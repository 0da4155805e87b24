/** Limit checks of values, and limits as text. */

import type { KeySpec } from "../../api/protocol";

export type Severity = "warning" | "critical";
/** The verdict of limits on a value; undefined if there are no limits or no value. */
export type Verdict = Severity | "ok" | undefined;

const RANK: Readonly<Record<Severity, number>> = { warning: 1, critical: 2 };

/** The verdict of a key's limits on its value. */
export function verdictOf(value: unknown, spec: KeySpec): Verdict {
  const limits = spec.limits;
  if (limits == null || value === null || value === undefined) return undefined;
  if (typeof value === "number") {
    if (isOutside(value, limits.criticalLow, limits.criticalHigh)) return "critical";
    return isOutside(value, limits.warningLow, limits.warningHigh) ? "warning" : "ok";
  }
  if (typeof value !== "string" && typeof value !== "boolean") return undefined;
  if (limits.critical?.includes(value) === true) return "critical";
  return limits.warning?.includes(value) === true ? "warning" : "ok";
}

function isOutside(value: number, low: number | null | undefined, high: number | null | undefined): boolean {
  return (low != null && value < low) || (high != null && value > high);
}

/** Whether a verdict is out of limits. */
export function isViolation(verdict: Verdict): verdict is Severity {
  return verdict === "warning" || verdict === "critical";
}

/** The worst of verdicts; undefined if none has limits. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("critical")) return "critical";
  if (verdicts.includes("warning")) return "warning";
  return verdicts.includes("ok") ? "ok" : undefined;
}

/** Whether one severity is at least as bad as another. */
export function isAtLeastAsBad(one: Severity, other: Severity): boolean {
  return RANK[one] >= RANK[other];
}

/** The violated limit as text; empty if the value is in limits. */
export function violationText(value: unknown, spec: KeySpec): string {
  const limits = spec.limits;
  const severity = verdictOf(value, spec);
  if (limits == null || !isViolation(severity)) return "";
  if (typeof value !== "number") return "";
  const [low, high] =
    severity === "critical" ? [limits.criticalLow, limits.criticalHigh] : [limits.warningLow, limits.warningHigh];
  return low != null && value < low ? `below ${low}` : `above ${high}`;
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
