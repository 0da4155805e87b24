import { describe, expect, it } from "vitest";
import { comparisonsOf, faultOf, type FieldSpec, findMembers, specOf, specText, textFilters, type TextSpec } from "../../../src/model/search/search_spec";

const SERIES = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "Power" } as const;

function field(more: Partial<FieldSpec> = {}): FieldSpec {
  return {
    ...{ kind: "field", series: SERIES, field: "volts", fieldKind: "number", comparison: "above" },
    ...{ value: "30", samples: "", seconds: "" },
    ...more,
  };
}

function words(more: Partial<TextSpec> = {}): TextSpec {
  return { kind: "text", text: "door open", sources: ["events", "chat"], ...more };
}

describe("a condition", () => {
  it("becomes the members of a request: numbers, booleans and texts as such", () => {
    expect(findMembers(field({ value: " 3e1 ", samples: "3", seconds: "0.5" }))).toEqual({
      ...SERIES,
      ...{ field: "volts", condition: "above", value: 30, minSamples: 3, minSeconds: 0.5 },
    });
    expect(findMembers(field({ fieldKind: "boolean", comparison: "equal", value: "true" })).value).toBe(true);
    expect(findMembers(field({ fieldKind: "string", comparison: "equal", value: "5" })).value).toBe("5");
  });

  it("leaves out what a change or a gap has not, though it was typed", () => {
    const typed = { value: "30", samples: "3", seconds: "60" };
    expect(findMembers(field({ comparison: "change", ...typed }))).toEqual({ ...SERIES, field: "volts", condition: "change" });
    expect(findMembers(field({ comparison: "gap", ...typed }))).toEqual({ ...SERIES, field: "volts", condition: "gap", minSeconds: 60 });
  });

  it.each([
    [field({ field: "" }), "Choose a field"],
    [field({ value: "" }), "Type the value that volts"],
    [field({ value: "warm" }), "“warm” is no number, and volts has numbers."],
    [field({ value: "1e999" }), "is no number"],
    [field({ fieldKind: "boolean", comparison: "equal", value: "yes" }), "true or false, not “yes”"],
    [field({ fieldKind: "string", comparison: "above" }), "has no numbers"],
    [field({ samples: "0" }), "whole number from 1 on"],
    [field({ seconds: "soon" }), "The duration is a number of seconds"],
    [field({ comparison: "steady", samples: "1" }), "how many seconds or values"],
    [field({ comparison: "gap", seconds: "" }), "The duration is a number of seconds"],
    [field({ comparison: "gap", seconds: "0" }), "seconds that a gap is longer than"],
    [words({ text: "  " }), "Type the text"],
    [words({ text: "x".repeat(257) }), "256 characters at most"],
    [words({ sources: [] }), "Choose where to search"],
  ])("is refused in one sentence: %o", (spec, said) => {
    expect(faultOf(spec)).toContain(said);
  });

  it("is what it is called", () => {
    expect(faultOf(field())).toBeUndefined();
    expect(specText(field({ samples: "3", seconds: "60" }))).toBe("battery volts is above 30 for 3 values and 60 s");
    expect(specText(field({ comparison: "gap", seconds: "60" }))).toBe("battery volts has no value for more than 60 s");
    expect(specText(field({ comparison: "steady", seconds: "60" }))).toBe("battery volts stays the same for 60 s");
    expect(findMembers(field({ comparison: "steady", samples: "5" }))).toEqual({ ...SERIES, field: "volts", condition: "steady", minSamples: 5, minSeconds: 0 });
    expect(specText(words())).toBe("“door open” in events, chat");
    expect(comparisonsOf("string")).not.toContain("above");
  });
});

describe("a text", () => {
  it("is searched in the lanes of its sources alone", () => {
    expect(textFilters(words({ sources: ["chat"] }))).toEqual([{ lanes: ["metadata"], messageTypes: ["ChatMessage"] }]);
    expect(textFilters(words({ sources: ["events", "chat", "commands"] }))).toEqual([{ lanes: ["metadata"] }, { lanes: ["command"] }]);
    expect(textFilters(words({ sources: ["telemetry"] }))).toEqual([{ lanes: ["ui", "parsed"] }]);
  });
});

describe("a stored search", () => {
  it("is read as it was written, and dropped if it is not one", () => {
    for (const spec of [field(), field({ series: { ...SERIES, lane: "ui", viewId: "v" } }), words()]) {
      expect(specOf(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    }
    const broken = [null, 3, {}, { ...field(), series: {} }, { ...field(), comparison: "near" }, { ...words(), sources: "all" }, words({ text: "" })];
    expect(broken.map(specOf)).toEqual(broken.map(() => undefined));
  });
});
