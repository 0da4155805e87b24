/** The density of audit events counts each once, from the oldest to the newest. */

import { expect, test } from "vitest";
import { AUDIT_BARS, auditDensity } from "../../../src/model/admin/audit_density";
import type { StoredEvent } from "../../../src/model/values/event";

function events(...seconds: number[]): StoredEvent[] {
  return seconds.map((second) => ({ sourceTruthTime: new Date(second * 1_000).toISOString() }) as StoredEvent);
}

test("there is none without events", () => {
  expect(auditDensity([])).toBeUndefined();
});

test("both ends are in it, and nothing is counted twice", () => {
  const density = auditDensity(events(600, 300, 300, 0));
  expect([density?.startMs, density?.stopMs]).toEqual([0, 600_000]);
  expect(density?.counts[0]).toBe(1);
  expect(density?.counts[AUDIT_BARS / 2]).toBe(2);
  expect(density?.counts.at(-1)).toBe(1);
  expect(density?.counts.reduce((sum, count) => sum + count)).toBe(4);
  expect(density?.most).toBe(2);
});

test("events of one moment have a span too", () => {
  const density = auditDensity(events(5, 5));
  expect(density?.counts[0]).toBe(2);
  expect((density?.stopMs ?? 0) - (density?.startMs ?? 0)).toBe(1_000);
});
