/** The density of the loaded audit events over their span. */

import type { StoredEvent } from "../values/event";
import { toMs } from "../values/time";

export const AUDIT_BARS = 60;
/** A span of one moment is shown as this long. */
const SPAN_MIN_MS = 1_000;

export interface AuditDensity {
  readonly startMs: number;
  readonly stopMs: number;
  /** Events of each of AUDIT_BARS equal parts of the span. */
  readonly counts: readonly number[];
  readonly most: number;
}

/** The density of events; undefined if there are none. */
export function auditDensity(events: readonly StoredEvent[]): AuditDensity | undefined {
  const times = events.map((event) => toMs(event.sourceTruthTime));
  if (times.length === 0) return undefined;
  const startMs = times.reduce((left, right) => Math.min(left, right));
  const lastMs = times.reduce((left, right) => Math.max(left, right));
  const stopMs = Math.max(lastMs, startMs + SPAN_MIN_MS);
  const counts = new Array<number>(AUDIT_BARS).fill(0);
  for (const ms of times) {
    const bar = Math.min(AUDIT_BARS - 1, Math.floor(((ms - startMs) / (stopMs - startMs)) * AUDIT_BARS));
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  return { startMs, stopMs, counts, most: Math.max(...counts) };
}
