import { describe, expect, it } from "vitest";
import { laneOfPage, laneSpans, sinceStartText } from "../../../src/model/kinds/aligned_lanes";
import { selection, visible } from "../../../src/model/timeline/span";

const HOUR = 3_600_000;

describe("lanes", () => {
  it("of different years have one length, each from its own start", () => {
    visible.value = { startMs: 0, stopMs: HOUR };
    const spans = laneSpans([{ start: "1995-06-01T00:00:00Z" }, { start: "2024-06-01T00:00:00Z", shiftS: -60 }, {}], undefined);
    expect(spans.map(({ span }) => span)).toEqual([
      { startMs: Date.UTC(1995, 5, 1), stopMs: Date.UTC(1995, 5, 1) + HOUR },
      { startMs: Date.UTC(2024, 5, 1) - 60_000, stopMs: Date.UTC(2024, 5, 1) - 60_000 + HOUR },
      { startMs: 0, stopMs: HOUR },
    ]);
  });

  it("have the length that is given", () => {
    const [lane] = laneSpans([{ start: "2024-06-01" + "T00:00:00Z" }], 10);
    expect(lane?.span).toMatchObject({ stopMs: Date.UTC(2024, 5, 1) + 10_000 });
  });

  it("say which start is no time", () => {
    expect(laneSpans([{ name: "pass 3", start: "soon" }], 10)[0]?.span).toBe("pass 3: “soon” is no time; write 2026-03-01T12:00:00Z.");
  });

  it("are added where the selection starts, else the visible span", () => {
    visible.value = { startMs: Date.UTC(2020, 0, 1), stopMs: Date.UTC(2020, 0, 2) };
    selection.value = null;
    expect(laneOfPage().name).toBe("2020-01-01 00:00:00");
    selection.value = { startMs: Date.UTC(2021, 0, 1), stopMs: Date.UTC(2021, 0, 2) };
    expect(laneOfPage().start).toContain("2021-01-01T00:00:00");
    selection.value = null;
  });

  it("count from their start", () => {
    expect([0, 61_000, 90_061_500, -1_000].map(sinceStartText)).toEqual(["T+00:00:00", "T+00:01:01", "T+1 d 01:01:01.500", "T−00:00:01"]);
  });
});
