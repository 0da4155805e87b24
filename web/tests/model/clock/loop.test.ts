import { describe, expect, it } from "vitest";
import { loopEnd, loopStart } from "../../../src/model/clock/loop";
import { fromFineMs, toFineMs } from "../../../src/model/values/time";

const RANGE = { startMs: 1000, stopMs: 2000 };

describe("a loop", () => {
  it("restarts at its other end when its end is reached", () => {
    expect(loopStart(RANGE, 1999, false)).toBeUndefined();
    expect(loopStart(RANGE, 2000, false)).toBe(1000);
    expect(loopStart(RANGE, 5000, false)).toBe(1000);
    expect(loopStart(RANGE, 1001, true)).toBeUndefined();
    expect(loopStart(RANGE, 1000, true)).toBe(2000);
    expect(loopStart(RANGE, 0, true)).toBe(2000);
  });

  it("ends a clock that started before it at its end", () => {
    expect(loopStart(RANGE, 0, false)).toBeUndefined();
    expect(loopEnd(RANGE, 0, false)).toBe(2000);
    expect(loopEnd(RANGE, 5000, true)).toBe(1000);
  });

  it("does nothing without a selection, or for a clock outside it", () => {
    expect(loopStart(null, 0, false)).toBeUndefined();
    expect(loopEnd(null, 0, false)).toBeUndefined();
    expect(loopEnd(RANGE, 3000, false)).toBeUndefined();
  });

  it("recognizes its end after a conversion to text", () => {
    const stopMs = Date.UTC(2026, 0, 1) + 0.1234567;
    const range = { startMs: stopMs - 1000, stopMs };
    expect(loopStart(range, toFineMs(fromFineMs(stopMs)), false)).toBe(range.startMs);
  });
});
