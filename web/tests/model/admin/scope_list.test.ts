/** Typed scopes become the protocol's, or an error that says what is wrong. */

import { expect, test } from "vitest";
import { limitText, parseScopes, scopesInput } from "../../../src/model/admin/scope_list";

test("nothing means all scopes, null in the protocol", () => {
  expect(parseScopes("")).toBeNull();
  expect(parseScopes(" , ")).toBeNull();
  expect(scopesInput(null)).toBe("");
  expect(limitText(undefined)).toBe("all");
});

test("scopes are separated by commas or spaces, each once", () => {
  expect(parseScopes("sat-1, sat_2 sat-1,,sat3")).toEqual(["sat-1", "sat_2", "sat3"]);
  expect(parseScopes(scopesInput(["a", "b"]))).toEqual(["a", "b"]);
  expect(limitText(["a", "b"])).toBe("a, b");
});

test("what is no id is named", () => {
  expect(() => parseScopes("sat1, sät2")).toThrow("“sät2” is no scope");
  expect(() => parseScopes("x".repeat(65))).toThrow("1 to 64 letters");
});
