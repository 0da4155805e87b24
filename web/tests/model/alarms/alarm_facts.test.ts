import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

const ages = vi.hoisted(() => ({ stale: new Set<string>() }));

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => Promise.reject(new Error("nothing is asked")) }));
vi.mock("../../../src/model/entities/entity_ages", async (original) => ({
  ...(await original<object>()),
  seriesAge: (key: string) => ({ ageMs: 360_000, freshness: ages.stale.has(key) ? "stale" : "live" }),
}));

const { beginText, changeText, isSilentInLimits, mannerText } = await import("../../../src/model/alarms/alarm_facts");
const { staleViews } = await import("../../../src/model/cards/stale_views");
const { viewKey } = await import("../../../src/model/cards/ui_state");
const { sourceKey } = await import("../../../src/model/entities/entity_ages");

const RAISED: AlarmInfo = {
  ...{ rule: "r", scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z", lane: "parsed", messageType: "m", field: "level" },
  ...{ state: "raised", severity: "critical", since: "2026-01-01T03:58:45Z", changed: "2026-01-01T03:59:10Z", value: 14.621 },
};
const CLEARED: AlarmInfo = { ...RAISED, state: "cleared", severity: null };

function manner(of: AlarmInfo): string {
  return mannerText(of, "8 min", isSilentInLimits(of));
}

describe("the row of an alarm", () => {
  beforeEach(() => {
    ages.stale.clear();
    staleViews.value = new Set();
  });

  it("says what its value and its times are of", () => {
    expect(changeText(RAISED)).toBe("level 14.621 at its last change");
    expect(beginText(RAISED)).toBe("out of limits since 2026-01-01 03:58:45");
    expect(beginText(CLEARED)).toBe("left limits at 2026-01-01 03:58:45");
    expect(changeText({ ...RAISED, value: null })).toBe("level (no value) at its last change");
    expect(changeText({ ...RAISED, disabled: true })).toBe("level");
  });

  it("is within limits only while its source sends", () => {
    expect([RAISED, CLEARED].map(manner)).toEqual(["critical or worse for 8 min", "in limits for 8 min"]);
    ages.stale.add(sourceKey(CLEARED));
    expect([RAISED, CLEARED].map(manner)).toEqual(["critical or worse for 8 min", "stale: in limits when last updated"]);
    expect(manner({ ...CLEARED, disabled: true })).toBe("no limits judged for 8 min");
  });

  it("follows the silence that is set for its view", () => {
    const ofView: AlarmInfo = { ...CLEARED, lane: "ui", viewId: "v" };
    expect(manner(ofView)).toBe("in limits for 8 min");
    staleViews.value = new Set([viewKey({ ...ofView, viewId: "v" })]);
    expect(manner(ofView)).toContain("stale");
  });
});
