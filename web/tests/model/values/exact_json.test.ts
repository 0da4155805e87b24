import { describe, expect, it } from "vitest";
import { ExactNumber, formatExact, parseExact } from "../../../src/model/values/exact_json";

describe("JSON with every digit", () => {
  it("keeps numbers that JavaScript would write differently", () => {
    const text = '{"sequence":18446744073709551615,"near":9007199254740993,"volts":1.0,"tiny":1e-7,"n":-3}';
    const value = parseExact(text) as Record<string, unknown>;
    expect(value["sequence"]).toEqual(new ExactNumber("18446744073709551615"));
    expect(value["n"]).toBe(-3);
    expect(formatExact(value).replace(/\s/g, "")).toBe(text);
  });

  it("parses everything that JSON.parse does, with equal results", () => {
    const texts = [
      '{"a":{},"b":[],"c":[[1,[2]],{"d":null}],"e":true,"f":false}',
      String.raw`{"a \" , } ] : 18446744073709551615":"\\","\u00e9":"\n{[","":["","}"]}`,
      ' [ 1 , "x" , { "y" : [ ] } ] ',
      "7",
      '"text"',
    ];
    for (const text of texts) {
      expect(parseExact(text)).toEqual(JSON.parse(text));
      expect(JSON.parse(formatExact(parseExact(text)))).toEqual(JSON.parse(text));
    }
  });

  it("treats a member called __proto__ as an ordinary member", () => {
    const value = parseExact('{"__proto__":{"a":1}}') as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(formatExact(value)).toBe('{\n  "__proto__": {\n    "a": 1\n  }\n}');
  });
});
