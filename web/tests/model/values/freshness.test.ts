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
    expect(cadenceOf(0, 60_000, 60_000, 120_000).intervalAt(120_000), "too few").toBeUndefined();
    expect(cadenceOf(0, 60_000, 60_000, 120_000, 180_000).intervalAt(180_000)).toBe(60_000);
    expect(cadenceOf(180_000, 120_000, 60_000, 0).intervalAt(180_000)).toBe(60_000);
    expect(cadenceOf(0, 1_000, 2_000, 600_000, 601_000).intervalAt(601_000), "one silence").toBe(1_000);
    expect(cadenceOf(0, 60_000, 120_000, 180_000).staleAfterMs(180_000)).toBe(180_000);
    expect(cadenceOf(0, 100, 200, 300).staleAfterMs(300), "delays of transports").toBe(STALE_MIN_MS);
  });

  it("does not count the time of a jump", () => {
    const found = cadenceOf(0, 1_000, 2_000, 3_000);
    expect(found.intervalAt(3_000)).toBe(1_000);
    found.interrupt();
    for (const ms of [900_000, 901_000]) found.add(ms);
    expect(found.intervalAt(901_000), "that of another moment, until more is known").toBe(1_000);
    expect(found.isKnownAt(901_000)).toBe(false);
  });

  it("at a moment is the same whichever way the clock came", () => {
    // Once a second, then every 40 s.
    const times = [...Array.from({ length: 30 }, (_, index) => index * 1_000), ...Array.from({ length: 30 }, (_, index) => 30_000 + index * 40_000)];
    for (const ms of [2_500, 20_000, 60_000, 400_000, 1_100_000]) {
      const past = times.filter((time) => time <= ms);
      const [forwards, back, read] = [cadenceOf(...past), cadenceOf(...times.filter((time) => time > ms - 400_000).reverse()), cadenceOf(5_000_000)];
      forwards.isKnownAt(past.at(-1) ?? 0) || forwards.learn(past, true);
      back.isKnownAt(past.at(-1) ?? 0) || back.learn(past.slice(-9), past.length <= 9);
      read.interrupt();
      read.learn(past.slice(-9), past.length <= 9);
      expect([forwards, back, read].map((one) => one.isKnownAt(past.at(-1) ?? 0))).toEqual([true, true, true]);
      expect([forwards.intervalAt(ms), back.intervalAt(ms)], `at ${ms}`).toEqual([read.intervalAt(ms), read.intervalAt(ms)]);
    }
  });

  it("goes on from what was read while the stream went on", () => {
    const found = cadenceOf(100_000, 120_000);
    found.learn([40_000, 20_000, 60_000, 80_000, 100_000], false);
    expect(found.newestAt(110_000)).toBe(100_000);
    expect(found.newestAt(130_000), "later ones may be missing").toBeUndefined();
    expect(found.intervalAt(60_000)).toBe(20_000);
  });
});
