import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => Promise.reject(new Error("nothing is asked")) }));

const list = await import("../../../src/model/alarms/alarm_list");
const states = await import("../../../src/model/alarms/alarm_states");
const { isAudible, isNewlyRaised } = await import("../../../src/model/alarms/alarm_bell");
const { actionMembers } = await import("../../../src/model/alarms/alarm_actions");
const { boundText } = await import("../../../src/model/alarms/limit_texts");
const { alarmMarkersOf } = await import("../../../src/model/timeline/markers");
const { cursor, state, timebase } = await import("../../../src/model/clock/clock");

function alarm(rule: string, more: Partial<AlarmInfo> = {}): AlarmInfo {
  return {
    ...{ rule, scopeId: "sat", lane: "parsed", systemId: "bus", containerId: "eps", uniqueId: "battery" },
    ...{ messageType: "Power", field: "volts", state: "raised", severity: "warning" },
    ...{ since: "2026-01-01T00:00:30Z", changed: "2026-01-01T00:00:30Z" },
    ...more,
  };
}

const OF_MANIFEST = { lane: "ui", viewId: "view", messageType: "UiUpdate" } as const;
const JUDGED = "2026-01-01T00:00:00Z";

function receive(alarms: AlarmInfo[], more: { judged?: string; behind?: boolean } = { judged: JUDGED }): void {
  states.applyPresent({ type: "alarmUpdates", followId: "f", time: JUDGED, whole: true, behind: false, alarms, ...more });
}

beforeEach(() => {
  [state.value, timebase.value, cursor.value] = ["LIVE", "canonical", "2026-01-01T00:00:40Z"];
  [list.alarmListing.value, list.alarmText.value, list.alarmSeverity.value, list.alarmScope.value] = ["active", "", "", ""];
});

describe("the list of alarms", () => {
  it("lists open ones first, then the worst, those of manifests too, and what is set aside apart", () => {
    receive([
      alarm("known", { state: "acknowledged", severity: "severe" }),
      alarm("mild"),
      alarm("view:volts", { ...OF_MANIFEST, severity: "critical" }),
      alarm("over", { state: "cleared", severity: null }),
      alarm("shelved", { shelved: true }),
      alarm("off", { state: "normal", severity: null, disabled: true }),
    ]);
    const rules = () => list.listedAlarms.value?.map(({ rule }) => rule);
    expect(rules()).toEqual(["view:volts", "mild", "over", "known"]);
    expect(list.alarmTotals.value).toMatchObject({ raised: 2, acknowledged: 1, worst: { rule: "view:volts" } });
    expect(list.worstByNode.value.get("sat/bus")?.raised?.rule).toBe("view:volts");
    list.alarmListing.value = "unacknowledged";
    list.alarmText.value = "BATTERY volts mild";
    expect(rules()).toEqual(["mild"]);
    list.alarmSeverity.value = "critical";
    expect(rules()).toEqual([]);
    [list.alarmText.value, list.alarmSeverity.value, list.alarmListing.value] = ["", "", "shelved"];
    expect(rules()).toEqual(["shelved"]);
    list.alarmListing.value = "disabled";
    expect(rules()).toEqual(["off"]);
  });

  it("says what is not judged, except where the clock is before it", () => {
    receive([], { judged: JUDGED, behind: true });
    expect(states.alarmsTrouble.value).toContain("received after 2026-01-01 00:00:00 UTC");
    expect(states.isJudged.value).toBe(false);
    [state.value, cursor.value] = ["PAUSED", "2025-12-31T00:00:00Z"];
    expect(states.alarmsTrouble.value).toBe("");
    state.value = "LIVE";
    receive([], { behind: true });
    expect(states.alarmsTrouble.value).toContain("not judged yet");
  });
});

describe("the bound that a value is beyond", () => {
  it("is said of the severity that the Core names", () => {
    const spec = { type: "number" as const, limits: { warningLow: 20, criticalLow: 15, criticalHigh: 40 } };
    expect(boundText({ severity: "warning", value: 16 }, spec)).toBe("below 20");
    expect(boundText({ severity: "critical", value: 41 }, spec)).toBe("above 40");
    expect(boundText({ severity: "critical", value: "shut" }, spec)).toBe("");
  });
});

describe("marks on the timeline", () => {
  it("are where an alarm was raised or became worse, the worst on top", () => {
    const at = "2026-01-01T00:00:30Z";
    const changes = [
      { time: at, change: "raised" as const, alarm: alarm("a", { severity: "severe" }) },
      { time: at, change: "worsened" as const, alarm: alarm("b", { title: "Cells" }) },
      { time: at, change: "cleared" as const, alarm: alarm("a") },
      { time: at, change: "raised" as const, alarm: alarm("view:volts", OF_MANIFEST) },
    ];
    expect(alarmMarkersOf(changes).map(({ text }) => text)).toEqual([
      "Cells of battery: worsened to warning",
      "view volts of battery: warning",
      "Power volts of battery: severe",
    ]);
  });
});

describe("the sound", () => {
  const now = "2026-01-01T00:01:00Z";

  it("is heard of what is raised or worse than before, and never of a recording", () => {
    const raised = alarm("a");
    expect(isNewlyRaised(raised, undefined, now)).toBe(true);
    const before = { since: raised.since as string, rank: 2 };
    expect(isNewlyRaised(raised, before, now)).toBe(false);
    expect(isNewlyRaised({ ...raised, severity: "critical" }, before, now)).toBe(true);
    expect(isNewlyRaised({ ...raised, since: "2019-01-01T00:00:00Z", changed: "2019-01-01T00:00:00Z" }, undefined, now)).toBe(false);
    expect(isNewlyRaised({ ...raised, since: "2019-01-01T00:00:00Z" }, undefined, now), "imported now").toBe(false);
    const others = [{ shelved: true }, { state: "acknowledged" as const }, { state: "cleared" as const }];
    expect([raised, ...others.map((more) => ({ ...raised, ...more }))].map(isAudible)).toEqual([true, false, false, false]);
  });
});

describe("actions", () => {
  it("name what was seen", () => {
    expect(actionMembers("acknowledge", alarm("a"), " on it ")).toEqual({
      ...{ since: "2026-01-01T00:00:30Z", severity: "warning", comment: "on it" },
    });
    expect(actionMembers("shelve", alarm("a"), "")).toEqual({});
    receive([]);
    expect(actionMembers("shelve", alarm("a"), "", 60_000).until, "by the Core's clock").toMatch(/^2026-01-01T00:01:0/);
  });
});
