import { describe, expect, it } from "vitest";
import { runAt, stateRuns, statesOf } from "../../../src/model/fields/state_runs";

describe("runs of states", () => {
  it("hold until the next value, and the last one until the end", () => {
    const runs = stateRuns([10, 20, 30, 40], ["on", "on", undefined, "off"], 60);
    expect(runs).toEqual([
      { startMs: 10, stopMs: 40, value: "on" },
      { startMs: 40, stopMs: 60, value: "off" },
    ]);
    expect(statesOf(runs)).toEqual(["on", "off"]);
  });

  it("know nothing before the first value and after the end", () => {
    const runs = stateRuns([10], [true], 20);
    expect(runAt(runs, 9)).toBeUndefined();
    expect(runAt(runs, 10)?.value).toBe(true);
    expect(runAt(runs, 21)).toBeUndefined();
  });

  it("tell a number from its text", () => {
    expect(stateRuns([1, 2], [1, "1"], 3)).toHaveLength(2);
  });

  it("of no values are none", () => {
    expect(stateRuns([1, 2], [undefined, undefined], 3)).toEqual([]);
  });
});
