import { describe, expect, it } from "vitest";
import { noticeOf } from "../../../src/model/timeline/given_back";

const RAW = { scopeId: "sat", lane: "raw", until: "2026-01-06T00:00:00.000000000Z" } as const;
const PARSED = { scopeId: "sat", lane: "parsed", until: "2026-01-03T00:00:00.000000000Z" } as const;

describe("what retention has deleted", () => {
  it("is said of spans that begin before what is kept", () => {
    const both = noticeOf([PARSED, RAW], Date.UTC(2026, 0, 1));
    expect(both?.text).toBe("given back until 2026-01-06");
    expect(both?.detail.split("\n")).toHaveLength(2);
    expect(noticeOf([PARSED, RAW], Date.UTC(2026, 0, 4))?.detail).toMatch(/^sat raw: kept from 2026-01-06/);
  });

  it("is not said of what is kept", () => {
    expect(noticeOf([PARSED, RAW], Date.UTC(2026, 0, 6))).toBeUndefined();
    expect(noticeOf([], 0)).toBeUndefined();
  });
});
