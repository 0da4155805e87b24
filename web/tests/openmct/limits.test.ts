import { expect, it } from "vitest";
import type { KnownField } from "../../openmct/src/catalog";
import { linesOf, violationOf } from "../../openmct/src/limits";

const VOLTS: KnownField = { field: "volts", kind: "number", spec: { type: "number", limits: { warningLow: 10, warningHigh: 14, criticalHigh: 15 } } };
const MODE: KnownField = {
  field: "mode",
  kind: "string",
  spec: { type: "enum", labels: { ok: "OK", bad: "Bad" }, limits: { critical: ["bad"] } },
};

it("a value violates the worst of its limits, on its side", () => {
  expect(violationOf(12, VOLTS)).toBeUndefined();
  expect(violationOf(14, VOLTS)).toBeUndefined();
  expect(violationOf(9, VOLTS)).toMatchObject({ cssClass: "is-limit--lwr is-limit--yellow", low: 10, high: 14 });
  expect(violationOf(14.5, VOLTS)?.name).toBe("Warning");
  expect(violationOf(16, VOLTS)?.cssClass).toBe("is-limit--upr is-limit--red");
});

it("a value of an enumeration violates a limit by its number", () => {
  expect(violationOf(0, MODE)).toBeUndefined();
  expect(violationOf(1, MODE)?.name).toBe("Critical");
});

it("limits are lines of a plot, and a field without any has none", () => {
  expect(linesOf(VOLTS)).toEqual({ WARNING: { low: { color: "yellow", value: 10 }, high: { color: "yellow", value: 14 } }, CRITICAL: { high: { color: "red", value: 15 } } });
  expect(linesOf({ ...VOLTS, spec: { type: "any" } })).toBeUndefined();
});
