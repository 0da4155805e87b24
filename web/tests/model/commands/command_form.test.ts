import { describe, expect, it } from "vitest";
import type { Action, ArgumentSpec } from "../../../src/api/protocol";
import { defaultsOf, parseForm, payloadProblem, ruleText, textsOf } from "../../../src/model/commands/command_form";

const ACTION: Action = {
  commandType: "valve.set",
  title: "Valve",
  arguments: {
    angle: { type: "number", title: "Angle", minimum: 0, maximum: 90, required: true },
    turns: { type: "integer", default: 2 },
    isOpen: { type: "boolean" },
    way: { type: "enum", labels: { in: "inwards", out: "outwards" } },
    note: { type: "string" },
    at: { type: "time" },
    parts: { type: "any" },
  },
};

function problem(name: string, text: string): string | undefined {
  return parseForm(ACTION, { angle: "1", [name]: text }).problems.get(name);
}

describe("a form", () => {
  it("begins with the defaults", () => {
    const texts = defaultsOf(ACTION);
    expect(texts["turns"]).toBe("2");
    expect(texts["angle"]).toBe("");
  });

  it("parses arguments to their types, and leaves out empty ones", () => {
    const texts = { angle: " 4.5e1 ", turns: "-3", isOpen: "false", way: "out", note: " a ", at: "2026-01-31 12:00", parts: "[1]" };
    const { payload, problems } = parseForm(ACTION, texts);
    expect(problems.size).toBe(0);
    expect(payload).toEqual({
      ...{ angle: 45, turns: -3, isOpen: false, way: "out", note: " a ", parts: [1] },
      at: "2026-01-31T12:00:00.000000000Z",
    });
    expect(parseForm(ACTION, { angle: "0" }).payload).toEqual({ angle: 0 });
    expect(parseForm(ACTION, textsOf(ACTION, payload)).payload).toEqual(payload);
  });

  it("names the argument and the rule in errors", () => {
    expect(problem("angle", "")).toBe("Angle (angle) is required.");
    expect(problem("angle", "91")).toBe("Angle (angle) must be at most 90, not 91.");
    expect(problem("angle", "-0.1")).toBe("Angle (angle) must be at least 0, not -0.1.");
    expect(problem("angle", "ten")).toBe("Angle (angle) must be a number, not “ten”.");
    expect(problem("turns", "1.5")).toBe("“turns” must be an integer, not “1.5”.");
    expect(problem("turns", "9007199254740993")).toContain("±9007199254740991");
    expect(problem("turns", "18446744073709551616")).toContain("±9007199254740991");
    expect(problem("isOpen", "maybe")).toContain("true or false");
    expect(problem("way", "up")).toBe("“way” must be one of in, out, not “up”.");
    expect(problem("at", "noon")).toContain("a time");
    expect(problem("parts", "{")).toContain("JSON");
  });

  it("rejects numbers that JSON cannot represent", () => {
    for (const text of ["NaN", "Infinity", "1e999", "0x10", "1,5", "--1", ""]) {
      expect(problem("angle", text), text).toBeDefined();
    }
  });

  it("describes the rule beside the field", () => {
    const specs: [ArgumentSpec, string][] = [
      [{ type: "number", minimum: 0, maximum: 1 }, "0 to 1"],
      [{ type: "integer", minimum: 0 }, "integer, at least 0"],
      [{ type: "number", maximum: 1 }, "at most 1"],
      [{ type: "string" }, ""],
    ];
    for (const [spec, words] of specs) expect(ruleText(spec)).toBe(words);
  });
});

describe("arguments of a file", () => {
  it("are checked like in the Core", () => {
    expect(payloadProblem(ACTION, { angle: 1 })).toBe("");
    expect(payloadProblem(ACTION, { angle: 1, note: null })).toBe("");
    expect(payloadProblem(ACTION, {})).toContain("is required");
    expect(payloadProblem(ACTION, { angle: null })).toContain("must be a number");
    expect(payloadProblem(ACTION, { angle: true })).toContain("must be a number");
    expect(payloadProblem(ACTION, { angle: 1, other: 1 })).toContain("valve.set has no argument “other”; it takes ");
    expect(payloadProblem(ACTION, { angle: 1, constructor: 1 })).toContain("has no argument");
    expect(payloadProblem(ACTION, { angle: 1, way: "toString" })).toContain("must be one of");
  });
});
