import { describe, expect, it } from "vitest";
import { hasOwnTime, panelSpan, pinned, type TimeOptions, unpinned } from "../../../src/model/panels/panel_time";
import { selection, visible } from "../../../src/model/timeline/span";

const HOUR = 3_600_000;

describe("the span of a panel", () => {
  it("is the visible one, until it has one of its own", () => {
    visible.value = { startMs: 0, stopMs: HOUR };
    expect(panelSpan({})).toEqual({ startMs: 0, stopMs: HOUR });
    const own = pinned({} as TimeOptions, visible.value);
    visible.value = { startMs: HOUR, stopMs: 2 * HOUR };
    expect(panelSpan(own)).toEqual({ startMs: 0, stopMs: HOUR });
    expect([hasOwnTime(own), hasOwnTime(unpinned(own))]).toEqual([true, false]);
    expect(panelSpan(unpinned(own))).toEqual(visible.value);
  });

  it("may be a fixed distance away: this pass beside the last one", () => {
    visible.value = { startMs: 0, stopMs: HOUR };
    expect(panelSpan({ time: "shifted", shiftS: -3_600 })).toEqual({ startMs: -HOUR, stopMs: 0 });
  });

  it("may be the selection, and says if there is none", () => {
    selection.value = { startMs: 5, stopMs: 10 };
    expect(panelSpan({ time: "selection" })).toEqual({ startMs: 5, stopMs: 10 });
    selection.value = null;
    expect(panelSpan({ time: "selection" })).toContain("Nothing is selected");
  });

  it("says which of its ends is wrong", () => {
    const to = "2026-01-01T00:00:00Z";
    expect(panelSpan({ time: "fixed", to })).toContain("Own span from: no time is given");
    expect(panelSpan({ time: "fixed", from: "yesterday", to })).toContain("“yesterday” is no time");
    expect(panelSpan({ time: "fixed", from: "2027-01-01T00:00:00Z", to })).toContain("must be later than its start");
  });
});
