import { describe, expect, it } from "vitest";
import { spanAround } from "../../../src/model/timeline/span";
import { durationText, ticks, tickStep } from "../../../src/model/timeline/ticks";

const NOON = Date.UTC(2026, 0, 31, 12);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

function labels(lengthMs: number): string[] {
  return ticks(spanAround(NOON, lengthMs, 0.5), 10).map((tick) => tick.label);
}

describe("ticks", () => {
  it("suit every zoom from a millisecond to centuries, and are never too many", () => {
    for (let lengthMs = 1; lengthMs < 500 * 365 * DAY; lengthMs *= 1.7) {
      const found = ticks(spanAround(NOON, lengthMs, 0.5), 10);
      expect(found.length).toBeLessThanOrEqual(12);
      expect(found.length).toBeGreaterThanOrEqual(2);
      expect(new Set(found.map((tick) => tick.ms)).size).toBe(found.length);
      if (lengthMs < DAY) expect(new Set(found.map((tick) => tick.label)).size).toBe(found.length);
    }
  });

  it("are at whole units of UTC", () => {
    expect(labels(10 * 60 * SECOND)).toContain("11:57");
    expect(labels(20 * SECOND)).toContain("11:59:58");
    expect(labels(1)).toContain("12:00:00.0000");
    expect(labels(1)).toContain("12:00:00.0002");
    expect(labels(400 * DAY)).toContain("2026");
    expect(labels(60 * 365 * DAY)).toContain("2020");
  });

  it("name the day at its beginning", () => {
    const found = ticks({ startMs: NOON - 6 * HOUR, stopMs: NOON + 18 * HOUR }, 10);
    const midnight = found.find((tick) => tick.ms === NOON + 12 * HOUR);
    expect(midnight).toEqual({ ms: NOON + 12 * HOUR, label: "2026-02-01", major: true });
    expect(found.filter((tick) => tick.major)).toHaveLength(1);
  });

  it("begin weeks on Mondays and months on their first", () => {
    const weeks = ticks(spanAround(NOON, 60 * DAY, 0.5), 10);
    expect(weeks.every((tick) => new Date(tick.ms).getUTCDay() === 1)).toBe(true);
    const months = ticks(spanAround(NOON, 300 * DAY, 0.5), 12);
    expect(months.every((tick) => new Date(tick.ms).getUTCDate() === 1)).toBe(true);
  });

  it("have customary steps", () => {
    expect(tickStep(60 * SECOND, 10)).toEqual({ ms: 10 * SECOND });
    expect(tickStep(0.02, 10)).toEqual({ ms: 0.002 });
    expect(tickStep(3000 * DAY, 10)).toEqual({ months: 12 });
  });

  it("format durations", () => {
    expect([5, 2500, 900 * SECOND, 7 * HOUR, 90 * DAY].map(durationText)).toEqual([
      "5 ms",
      "2.5 s",
      "15 min",
      "7 h",
      "90 days",
    ]);
  });
});
