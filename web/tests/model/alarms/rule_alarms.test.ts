import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo, Alarms } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

// The session is replaced by the test.
const world = vi.hoisted(() => ({
  asked: [] as Record<string, unknown>[],
  alarms: [] as unknown[],
  judged: "2026-01-01T00:00:00Z" as string | undefined,
  isBehind: false,
}));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: (message: Alarms) => {
      world.asked.push({ ...message });
      const { alarms, judged, isBehind } = world;
      return Promise.resolve({ type: "alarmsResponse", time: "2026-01-01T00:01:00Z", alarms, judged, behind: isBehind });
    },
  }),
);

const list = await import("../../../src/model/alarms/rule_alarms");
const { isNewlyRaised } = await import("../../../src/model/alarms/alarm_bell");
const { actionMembers } = await import("../../../src/model/alarms/alarm_actions");
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

beforeEach(() => {
  [world.asked, world.alarms, world.judged, world.isBehind] = [[], [], "2026-01-01T00:00:00Z", false];
  [state.value, timebase.value, cursor.value] = ["PAUSED", "canonical", "2026-01-01T00:00:40Z"];
  [list.alarmListing.value, list.alarmText.value, list.alarmSeverity.value, list.alarmScope.value] = ["active", "", "", ""];
});

describe("the list of alarms", () => {
  it("asks as of the clock in its timebase, and LIVE as of the server's now", async () => {
    await list.refreshAlarms();
    expect(world.asked[0]).toMatchObject({ time: cursor.value, timebase: "canonical", listing: "active" });
    state.value = "LIVE";
    await list.refreshAlarms();
    expect(world.asked[1]).not.toHaveProperty("time");
  });

  it("lists open ones first, then the worst, without the limits of manifests", async () => {
    const ofManifest = alarm("view:volts", { lane: "ui", viewId: "view", severity: "critical" });
    const known = alarm("known", { state: "acknowledged", severity: "severe" });
    world.alarms = [known, alarm("mild"), ofManifest, alarm("bad", { severity: "critical" }), alarm("over", { state: "cleared" })];
    await list.refreshAlarms();
    expect(list.listedAlarms.value?.map(({ rule }) => rule)).toEqual(["bad", "mild", "over", "known"]);
    expect(list.ruleTotals.value).toMatchObject({ raised: 2, acknowledged: 1, worst: { rule: "bad" } });
    list.alarmListing.value = "unacknowledged";
    list.alarmText.value = "BATTERY bad";
    expect(list.listedAlarms.value?.map(({ rule }) => rule)).toEqual(["bad"]);
    list.alarmSeverity.value = "warning";
    expect(list.listedAlarms.value).toEqual([]);
  });

  it("says what is not judged, except where the clock is before it", async () => {
    world.isBehind = true;
    await list.refreshAlarms();
    expect(list.alarmsTrouble.value).toContain("received after 2026-01-01 00:00:00 UTC");
    cursor.value = "2025-12-31T00:00:00Z";
    expect(list.alarmsTrouble.value).toBe("");
    world.judged = undefined;
    await list.refreshAlarms();
    expect(list.alarmsTrouble.value).toContain("not judged yet");
  });
});

describe("marks on the timeline", () => {
  it("are where an alarm of a rule was raised or became worse, the worst on top", () => {
    const at = "2026-01-01T00:00:30Z";
    const changes = [
      { time: at, change: "raised" as const, alarm: alarm("a", { severity: "severe" }) },
      { time: at, change: "worsened" as const, alarm: alarm("b", { title: "Cells" }) },
      { time: at, change: "cleared" as const, alarm: alarm("a") },
      { time: at, change: "raised" as const, alarm: alarm("view:volts", { lane: "ui", viewId: "view" }) },
    ];
    expect(alarmMarkersOf(changes).map(({ text }) => text)).toEqual([
      "Cells of battery: worsened to warning",
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
  });
});

describe("actions", () => {
  it("name what was seen", () => {
    expect(actionMembers("acknowledge", alarm("a"), " on it ")).toEqual({
      ...{ since: "2026-01-01T00:00:30Z", severity: "warning", comment: "on it" },
    });
    expect(actionMembers("shelve", alarm("a"), "")).toEqual({});
    expect(actionMembers("shelve", alarm("a"), "", 60_000).until).toMatch(/Z$/);
  });
});
