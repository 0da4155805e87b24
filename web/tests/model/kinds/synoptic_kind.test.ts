import { describe, expect, it } from "vitest";
import { parseBindings } from "../../../src/model/kinds/synoptic_kind";
import { parseRules, ruleResult } from "../../../src/model/kinds/synoptic_rules";

const FIELD = {
  series: { scopeId: "s", systemId: "b", containerId: "c", uniqueId: "u", lane: "parsed", messageType: "M" },
  field: "volts",
};

function of(text: string, value: unknown): string | undefined {
  return ruleResult(parseRules(text, "rules"), value);
}

describe("rules", () => {
  it("give the result of the first that is met", () => {
    const text = ">= 80: critical; > 60: warning; else: ok";
    expect([90, 80, 61, 60].map((value) => of(text, value))).toEqual(["critical", "critical", "warning", "ok"]);
  });

  it("compare texts and booleans as they are written", () => {
    expect(of("on: #0a0; off: #a00", "off")).toBe("#a00");
    expect(of("true: open", true)).toBe("open");
    expect(of("!= closed: moving", "opening")).toBe("moving");
    expect(of("on: x", "standby")).toBeUndefined();
    expect(of("> 3: x", "4")).toBeUndefined();
  });

  it("that are wrong are named", () => {
    expect(() => parseRules("> high: red", "bindings[2].rules")).toThrow("bindings[2].rules: “> high” compares with “high”, which is no number.");
    expect(() => parseRules(": red", "rules")).toThrow("has no condition");
    expect(() => parseRules("a;".repeat(33), "rules")).toThrow("at most 32");
  });
});

describe("bindings", () => {
  it("are read from a file", () => {
    const binding = { element: "tank", field: FIELD, effect: "fill", rules: "> 3: critical" };
    expect(parseBindings([binding], "bindings")).toEqual([binding]);
  });

  it.each([
    [[{ element: "", field: FIELD, effect: "fill" }], "bindings[0].element: must be a text of 1 to 120 characters."],
    [[{ element: "a", field: FIELD, effect: "blink" }], "bindings[0].effect: must be one of text, fill, stroke, shown, turned."],
    [[{ element: "a", field: { field: "x" }, effect: "text" }], "bindings[0].field.series: must be a JSON object."],
    [[{ element: "a", field: FIELD, effect: "text", onclick: "x" }], "bindings[0].onclick: is not known"],
    [{}, "bindings: must be a list."],
  ])("that are wrong are named: %#", (value, message) => {
    expect(() => parseBindings(value, "bindings")).toThrow(message);
  });
});
