import { expect, it, vi } from "vitest";

vi.mock("../../../src/model/session/session", async () =>
  (await import("../session/fake_session")).sessionOf({ request: () => new Promise(() => undefined) }),
);
vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal("addEventListener", () => undefined);

const { columnOf, knownUntilMs, rowsTrouble } = await import("../../../src/model/fields/fields_query");
const { seriesNameKey } = await import("../../../src/model/values/field_ref");

const SERIES = { scopeId: "s", systemId: "b", containerId: "c", uniqueId: "u", lane: "parsed", messageType: "M" } as const;
const OF = { series: SERIES, field: "x" };

function rows(isCut: boolean) {
  const found = { times: [1, 2], values: new Map([["x", [5, 6]]]), isCut, isBehind: false, unknown: [] };
  return new Map([[seriesNameKey(SERIES), found]]);
}

it("rows that are cut are known up to the last one, and say so", () => {
  expect(knownUntilMs(rows(true), OF)).toBe(2);
  expect(rowsTrouble(rows(true))).toContain("20,000");
  expect(knownUntilMs(rows(false), OF)).toBe(Infinity);
  expect(rowsTrouble(rows(false))).toBe("");
});

it("columns of one series share their times", () => {
  const all = rows(false);
  expect(columnOf(all, OF).times).toBe(columnOf(all, { series: SERIES, field: "y" }).times);
  expect(columnOf(all, { series: SERIES, field: "y" }).values).toEqual([]);
});
