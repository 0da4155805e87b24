import { describe, expect, it } from "vitest";
import { heightOf, sparklineOf } from "../../../src/model/cards/sparkline";
import type { Buckets } from "../../../src/model/plots/sampling";

const SPAN = { startMs: 0, stopMs: 100 };

/** Ten buckets of 10 ms with these means; null is an empty bucket. */
function buckets(...means: (number | null)[]): Buckets {
  const count = means.map((mean) => (mean === null ? 0 : 1));
  return { startMs: 0, bucketMs: 10, fields: [{ field: "f", count, min: means, max: means, mean: means }] };
}

function points(path: string): [number, number][] {
  return [...path.matchAll(/[ML]([\d.-]+),([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

describe("a sparkline", () => {
  it("ranges from its least to its greatest value over the span", () => {
    const line = sparklineOf(buckets(0, 5, 10), "f", SPAN, Infinity, undefined);
    expect(points(line?.line ?? "")).toEqual([
      [0.05, 1],
      [0.15, 0.5],
      [0.25, 0],
    ]);
    expect([line?.low, line?.high]).toEqual([0, 10]);
  });

  it("shows nothing after the clock, and ends with the value at the clock", () => {
    const line = sparklineOf(buckets(1, 2, 3, 99), "f", SPAN, 25, { ms: 24, value: 3 });
    expect(points(line?.line ?? "").map(([x]) => x)).toEqual([0.05, 0.15, 0.24]);
    expect(line?.high).toBe(3);
  });

  it("is flat in the middle when values are constant, and empty without values", () => {
    expect(points(sparklineOf(buckets(5, 5), "f", SPAN, Infinity, undefined)?.line ?? "").map(([, y]) => y)).toEqual([0.5, 0.5]);
    expect(sparklineOf(buckets(null, null), "f", SPAN, Infinity, undefined)).toBeUndefined();
    expect(sparklineOf(buckets(1), "g", SPAN, Infinity, undefined)).toBeUndefined();
    expect(sparklineOf(buckets(0, 0), "f", SPAN, Infinity, undefined)?.line).not.toContain("NaN");
  });

  it("shows limits that lie within its range", () => {
    const line = { low: 0, high: 10 };
    expect([heightOf(line, 5), heightOf(line, 10), heightOf(line, 11)]).toEqual([0.5, 0, undefined]);
  });
});
