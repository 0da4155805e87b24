import { describe, expect, it } from "vitest";
import type { KeySpec } from "../../../src/api/protocol";
import { isAtLeastAsBad, limitsText, verdictOf, violationText, worstVerdict } from "../../../src/model/alarms/limits";
import { formatValue, keyUnit } from "../../../src/model/values/format";

const NUMBER: KeySpec = { type: "number", limits: { criticalLow: 0, warningLow: 10, warningHigh: 90 } };
const ENUM: KeySpec = {
  type: "enum",
  labels: { up: "Up", down: "Down", odd: "Odd" },
  limits: { warning: ["odd"], critical: ["down"] },
};
const FLAG: KeySpec = { type: "boolean", limits: { critical: [false] } };

describe("limits", () => {
  it.each([
    [-1, "critical"],
    [0, "warning"],
    [9.99, "warning"],
    [10, "ok"],
    [90, "ok"],
    [90.01, "warning"],
  ])("of numbers hold at their bounds: %d is %s", (value, verdict) => {
    expect(verdictOf(value, NUMBER)).toBe(verdict);
  });

  it("of enums and booleans are lists of values", () => {
    expect(["up", "odd", "down"].map((value) => verdictOf(value, ENUM))).toEqual(["ok", "warning", "critical"]);
    expect([true, false].map((value) => verdictOf(value, FLAG))).toEqual(["ok", "critical"]);
  });

  it("give no verdict for keys without limits or without a value", () => {
    expect(verdictOf(5, { type: "number" })).toBeUndefined();
    expect(verdictOf(null, NUMBER)).toBeUndefined();
    expect(verdictOf({}, NUMBER)).toBeUndefined();
  });

  it("are described in text", () => {
    expect(limitsText(NUMBER)).toBe("warning below 10 or above 90; critical below 0");
    expect(limitsText(ENUM)).toBe("warning at Odd; critical at Down");
    expect(limitsText({ type: "string" })).toBe("");
    expect([-1, 5, 50, 91].map((value) => violationText(value, NUMBER))).toEqual(["below 0", "below 10", "", "above 90"]);
    expect(violationText("down", ENUM)).toBe("");
  });

  it("give a card the worst verdict as its status", () => {
    expect(worstVerdict(["ok", undefined, "warning"])).toBe("warning");
    expect(worstVerdict(["warning", "critical"])).toBe("critical");
    expect(worstVerdict([undefined])).toBeUndefined();
    expect(isAtLeastAsBad("warning", "critical")).toBe(false);
    expect(isAtLeastAsBad("critical", "warning")).toBe(true);
  });
});

describe("a formatted value", () => {
  it("has the precision of its manifest, and no minus sign before only zeros", () => {
    const spec: KeySpec = { type: "number", precision: 2 };
    expect([1.005, 3, -0.001, -0.009].map((value) => formatValue(value, spec))).toEqual(["1.00", "3.00", "0.00", "-0.01"]);
    expect(formatValue(12.3456789, { type: "number" })).toBe("12.345679");
  });

  it("has the labels of its manifest", () => {
    expect(formatValue("up", ENUM)).toBe("Up");
    expect(formatValue("else", ENUM)).toBe("else");
    expect(formatValue(true, { type: "boolean", labels: { true: "on", false: "off" } })).toBe("on");
    expect(formatValue(false, { type: "boolean" })).toBe("no");
  });

  it("is readable for times, structures and missing values", () => {
    expect(formatValue("2026-01-01T00:00:00.5Z", { type: "time" })).toBe("2026-01-01 00:00:00.500");
    expect(formatValue({ a: [1] }, { type: "any" })).toBe('{"a":[1]}');
    expect(formatValue(null, NUMBER)).toBe("–");
    expect(formatValue("x".repeat(500), { type: "string" }).length).toBeLessThan(130);
  });

  it("has its manifest's unit, or one guessed from its name without a manifest", () => {
    expect(keyUnit("voltage_v", { type: "number", unit: "mV" })).toBe("mV");
    expect(keyUnit("voltage_v", { type: "any" })).toBe("V");
    expect(keyUnit("voltage_v", { type: "number" })).toBe("");
  });
});
