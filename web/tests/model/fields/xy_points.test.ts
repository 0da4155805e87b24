import { describe, expect, it } from "vitest";
import { pointAt, xyPoints } from "../../../src/model/fields/xy_points";

describe("pairs of two fields", () => {
  it("of one series are those of each event", () => {
    const times = [1, 3, 3];
    const xs = { times, values: [10, 20, 30] };
    const ys = { times, values: [5, undefined, 7] };
    expect(xyPoints(xs, ys)).toEqual([
      { ms: 1, x: 10, y: 5 },
      { ms: 3, x: 30, y: 7 },
    ]);
  });

  it("of one series are not mixed where a millisecond has several events", () => {
    const times = [1, 1, 1];
    const points = xyPoints({ times, values: [10, 20, 30] }, { times, values: [1, 2, 3] });
    expect(points.map(({ x, y }) => [x, y])).toEqual([[10, 1], [20, 2], [30, 3]]);
  });

  it("of two series take the newest x up to the time of y", () => {
    const xs = { times: [2, 4], values: [20, 40] };
    const ys = { times: [1, 3, 4, 9], values: [1, 3, 4, 9] };
    expect(xyPoints(xs, ys).map(({ x, y }) => [x, y])).toEqual([[20, 3], [40, 4], [40, 9]]);
  });

  it("leave out what is not finite", () => {
    expect(xyPoints({ times: [1, 2], values: [NaN, 2] }, { times: [1, 2], values: [1, Infinity] })).toEqual([]);
  });

  it("are found by time", () => {
    const points = [1, 3, 5].map((ms) => ({ ms, x: ms, y: ms }));
    expect([0, 1, 2, 5, 9].map((ms) => pointAt(points, ms)?.ms)).toEqual([undefined, 1, 1, 5, 5]);
  });
});
