import { describe, expect, it } from "vitest";
import { loopEnd, loopStart } from "../../../src/model/clock/loop";
import { fromFineMs, toFineMs } from "../../../src/model/values/time";

const RANGE = { startMs: 1000, stopMs: 2000 };

describe("a loop", () => {
  it("begins anew at its other end once its end is reached", () => {
    expect(loopStart(RANGE, 1999, false)).toBeUndefined();
    expect(loopStart(RANGE, 2000, false)).toBe(1000);
    expect(loopStart(RANGE, 5000, false)).toBe(1000);
    expect(loopStart(RANGE, 1001, true)).toBeUndefined();
    expect(loopStart(RANGE, 1000, true)).toBe(2000);
    expect(loopStart(RANGE, 0, true)).toBe(2000);
  });

  it("lets a clock that stands before it run into it, and ends it there", () => {
    expect(loopStart(RANGE, 0, false)).toBeUndefined();
    expect(loopEnd(RANGE, 0, false)).toBe(2000);
    expect(loopEnd(RANGE, 5000, true)).toBe(1000);
  });

  it("is nothing without a selection, and ends nothing that has left it", () => {
    expect(loopStart(null, 0, false)).toBeUndefined();
    expect(loopEnd(null, 0, false)).toBeUndefined();
    expect(loopEnd(RANGE, 3000, false)).toBeUndefined();
  });

  it("knows its end again after the end has been a text", () => {
    const stopMs = Date.UTC(2026, 0, 1) + 0.1234567;
    const range = { startMs: stopMs - 1000, stopMs };
    expect(loopStart(range, toFineMs(fromFineMs(stopMs)), false)).toBe(range.startMs);
  });
});
