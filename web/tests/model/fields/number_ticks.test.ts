import { expect, it } from "vitest";
import { numberTicks, tickStepOf, tickText } from "../../../src/model/fields/number_ticks";

it("steps are 1, 2 or 5 times a power of ten", () => {
  expect([1, 1.1, 3, 7, 0.03, 200].map((length) => tickStepOf(length, 1))).toEqual([1, 2, 5, 10, 0.05, 200]);
});

it("ticks lie within the range", () => {
  expect(numberTicks(-0.25, 1.01, 5).map(tickText)).toEqual(["0", "0.5", "1"]);
  expect(numberTicks(3, 3, 5)).toEqual([3]);
});
