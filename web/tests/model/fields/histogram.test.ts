import { describe, expect, it } from "vitest";
import { histogramOf } from "../../../src/model/fields/histogram";

describe("a histogram", () => {
  it("has every finite number in one bin, in bins of 1, 2 or 5 times a power of ten", () => {
    const found = histogramOf([0, 1, 1.5, 2, 9.99, 10, undefined, "on"], 10);
    expect(found.width).toBe(1);
    expect(found.low).toBe(0);
    expect(found.counts).toEqual([1, 2, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(found.total).toBe(6);
  });

  it("counts what is not finite apart", () => {
    const found = histogramOf([NaN, Infinity, 3], 10);
    expect([found.total, found.unbounded]).toEqual([1, 2]);
  });

  it("of random numbers loses none", () => {
    for (let round = 0; round < 200; round++) {
      const scale = 10 ** (Math.random() * 20 - 10);
      const values = Array.from({ length: 100 }, () => (Math.random() - 0.5) * scale);
      const { counts, low, width } = histogramOf(values, 40);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100);
      expect(counts.length).toBeLessThanOrEqual(42);
      expect(low).toBeLessThanOrEqual(Math.min(...values) + width * 1e-6);
    }
  });

  it("of one value many times has one bin", () => {
    expect(histogramOf([5, 5, 5], 40).counts).toEqual([3]);
    expect(histogramOf([0], 40).counts).toEqual([1]);
  });
});
