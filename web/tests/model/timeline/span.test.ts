import { beforeEach, describe, expect, it } from "vitest";
import * as span from "../../../src/model/timeline/span";

const HOUR: span.Span = { startMs: 0, stopMs: 3_600_000 };

describe("spans", () => {
  it("zoom around a time that keeps its position", () => {
    const near = span.zoomSpan(HOUR, 0.5, 900_000);
    expect(near).toEqual({ startMs: 450_000, stopMs: 2_250_000 });
    expect(span.zoomSpan(near, 2, 900_000)).toEqual(HOUR);
  });

  it("are no shorter than numbers resolve and no longer than times reach", () => {
    expect(span.spanLength(span.zoomSpan(HOUR, 1e-12, 1000))).toBeCloseTo(span.LENGTH_MIN_MS, 6);
    const all = span.zoomSpan(HOUR, 1e12, 1000);
    expect(all.startMs).toBeGreaterThanOrEqual(span.TIME_MIN_MS);
    expect(all.stopMs).toBeLessThanOrEqual(span.TIME_MAX_MS);
  });

  it("pan without changing their length, up to the ends of time", () => {
    expect(span.panSpan(HOUR, 1000)).toEqual({ startMs: 1000, stopMs: 3_601_000 });
    const last = span.panSpan(HOUR, 1e15);
    expect(last.stopMs).toBe(span.TIME_MAX_MS);
    expect(span.spanLength(last)).toBe(3_600_000);
  });

  it("convert pixels to times and back", () => {
    for (const x of [0, 1, 333.25, 1200]) {
      expect(span.toX(HOUR, span.atX(HOUR, x, 1200), 1200)).toBeCloseTo(x, 9);
    }
  });

  it("stay while the clock is in their middle, slide with LIVE, and turn like pages in a replay", () => {
    expect(span.followSpan(HOUR, 1_800_000, "slide", false)).toBe(HOUR);
    const slid = span.followSpan(HOUR, 3_590_000, "slide", false);
    expect(span.spanLength(slid)).toBe(3_600_000);
    expect(span.toX(slid, 3_590_000, 100)).toBeCloseTo(92, 6);
    expect(span.toX(span.followSpan(HOUR, 3_590_000, "page", false), 3_590_000, 100)).toBeCloseTo(8, 6);
    expect(span.followSpan(HOUR, 3_590_000, "page", true)).toBe(HOUR);
    expect(span.toX(span.followSpan(HOUR, 10_000, "page", true), 10_000, 100)).toBeCloseTo(92, 6);
  });
});

describe("the selection", () => {
  beforeEach(() => {
    span.setVisible(HOUR);
    span.setSelection(null);
  });

  it("has its ends in order, whichever direction it was drawn", () => {
    span.setSelection({ startMs: 2000, stopMs: 1000 });
    expect(span.selection.value).toEqual({ startMs: 1000, stopMs: 2000 });
  });

  it("takes a missing end from the visible span", () => {
    span.setSelectionEnd("start", 600_000);
    expect(span.selection.value).toEqual({ startMs: 600_000, stopMs: 3_600_000 });
    span.setSelectionEnd("stop", 1_200_000);
    expect(span.selection.value).toEqual({ startMs: 600_000, stopMs: 1_200_000 });
    span.setSelectionEnd("start", 1_800_000);
    expect(span.selection.value).toEqual({ startMs: 1_800_000, stopMs: 3_600_000 });
  });
});
