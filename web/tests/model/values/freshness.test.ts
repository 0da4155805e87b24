import { describe, expect, it } from "vitest";
import { Cadence, freshness, STALE_MIN_MS } from "../../../src/model/values/freshness";

function cadenceOf(...times: number[]): Cadence {
  const found = new Cadence();
  for (const ms of times) found.add(ms);
  return found;
}

describe("freshness", () => {
  it("is live up to the interval, stale beyond it, and unseen without an event", () => {
    expect([freshness(undefined), freshness(0), freshness(STALE_MIN_MS), freshness(STALE_MIN_MS + 1)]).toEqual([
      "unseen",
      "live",
      "live",
      "stale",
    ]);
    expect([freshness(90_000, 90_000), freshness(4_000, 3_000)]).toEqual(["live", "stale"]);
  });
});

describe("the cadence of a source", () => {
  it("is learnt in either direction, and not from one silence or from events of one moment", () => {
    expect(cadenceOf(0, 60_000, 60_000, 120_000).intervalMs, "too few").toBeUndefined();
    expect(cadenceOf(0, 60_000, 60_000, 120_000, 180_000).intervalMs).toBe(60_000);
    expect(cadenceOf(180_000, 120_000, 60_000, 0).intervalMs).toBe(60_000);
    expect(cadenceOf(0, 1_000, 2_000, 600_000, 601_000).intervalMs, "one silence").toBe(1_000);
    expect(cadenceOf(0, 60_000, 120_000, 180_000).staleAfterMs).toBe(180_000);
    expect(cadenceOf(0, 100, 200, 300).staleAfterMs, "delays of transports").toBe(STALE_MIN_MS);
  });

  it("does not count the time of a jump", () => {
    const found = cadenceOf(0, 1_000, 2_000);
    found.interrupt();
    for (const ms of [900_000, 901_000]) found.add(ms);
    expect(found.intervalMs).toBe(1_000);
  });
});
