/** How long a field had each of its states. */

import type { FieldValue } from "./column_rows";

export interface StateRun {
  readonly startMs: number;
  readonly stopMs: number;
  readonly value: FieldValue;
}

/** Runs of equal values. A value holds until the next one; the last one until `untilMs`. */
export function stateRuns(times: readonly number[], values: readonly (FieldValue | undefined)[], untilMs: number): StateRun[] {
  const runs: { startMs: number; stopMs: number; value: FieldValue }[] = [];
  values.forEach((value, row) => {
    const ms = times[row];
    if (value === undefined || ms === undefined) return;
    const last = runs.at(-1);
    if (last !== undefined) last.stopMs = ms;
    if (last === undefined || !Object.is(last.value, value)) runs.push({ startMs: ms, stopMs: ms, value });
  });
  const last = runs.at(-1);
  if (last !== undefined) last.stopMs = Math.max(last.stopMs, untilMs);
  return runs;
}

/** The run at a time; undefined before the first. */
export function runAt(runs: readonly StateRun[], ms: number): StateRun | undefined {
  for (let at = runs.length - 1; at >= 0; at--) {
    const run = runs[at] as StateRun;
    if (run.startMs <= ms) return ms <= run.stopMs ? run : undefined;
  }
  return undefined;
}

/** The different values of runs, in the order of their first one. */
export function statesOf(runs: readonly StateRun[]): FieldValue[] {
  return [...new Set(runs.map(({ value }) => value))];
}
