import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

const tones = vi.fn();

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => Promise.reject(new Error("nothing is asked")) }));
vi.stubGlobal("document", { hidden: false, title: "NOVA" });
vi.stubGlobal(
  "AudioContext",
  class {
    readonly currentTime = 0;
    readonly destination = {};
    createOscillator() {
      return { frequency: {}, connect: (to: unknown) => to, start: tones, stop: () => undefined };
    }
    createGain() {
      return { gain: {}, connect: (to: unknown) => to };
    }
  },
);

const { announcement, bell, startBell } = await import("../../../src/model/alarms/alarm_bell");
const { applyPresent } = await import("../../../src/model/alarms/alarm_states");
const { state, timebase } = await import("../../../src/model/clock/clock");
const { user } = await import("../../../src/model/session/session");

const NOW = "2026-01-01T01:00:00Z";
const LATE: AlarmInfo = {
  ...{ rule: "r", scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z", lane: "parsed", messageType: "m", field: "f" },
  ...{ state: "raised", severity: "warning", since: "2026-01-01T00:00:00Z", changed: "2026-01-01T00:59:50Z" },
};

function receive(of: typeof timebase.value, ...alarms: AlarmInfo[]): number {
  const before = tones.mock.calls.length;
  timebase.value = of;
  applyPresent({ type: "alarmUpdates", followId: "f", time: NOW, judged: NOW, behind: false, whole: true, alarms });
  return tones.mock.calls.length - before;
}

describe("the tone", () => {
  beforeAll(startBell);
  beforeEach(() => {
    state.value = "LIVE";
    bell.value = { sound: true, title: false };
  });

  it("is heard once of a late value, however often the clock changes to another timebase and back", () => {
    expect(receive("source"), "what there is at first").toBe(0);
    expect(receive("canonical")).toBe(0);
    expect(receive("canonical", LATE)).toBe(1);
    const asOfSource = { ...LATE, changed: "2026-01-01T00:00:00Z" };
    expect(receive("source", asOfSource)).toBe(0);
    expect(receive("source"), "cleared by source time").toBe(0);
    expect(receive("canonical", LATE)).toBe(0);
    expect(receive("canonical", LATE)).toBe(0);
  });

  it("is heard of what was raised while the clock changed", () => {
    receive("canonical", LATE);
    const other = { ...LATE, rule: "other" };
    expect(receive("source", LATE, other)).toBe(1);
    expect(receive("canonical", LATE, other)).toBe(0);
    expect(receive("canonical", LATE, { ...other, severity: "severe" })).toBe(1);
  });
});

describe("the words for screen readers", () => {
  const OLD: AlarmInfo = { ...LATE, since: "2019-01-01T00:00:00Z", changed: "2019-01-01T00:00:00Z" };
  const WORSE: AlarmInfo = { ...OLD, rule: "worse", field: "g", severity: "critical" };
  let count = 0;

  beforeEach(() => {
    state.value = "LIVE";
    bell.value = { sound: true, title: false };
    user.value = `reader ${count++}`;
  });

  it("name what is raised when the page opens, without a tone", () => {
    expect(receive("source", OLD, WORSE)).toBe(0);
    expect(announcement.value).toBe("Alarm: critical m g of z, and 1 more.");
  });

  it("are none where nothing is raised when it opens", () => {
    receive("source");
    expect(announcement.value).toBe("");
  });

  it("name an alarm only as long as it is raised", () => {
    receive("source", OLD, WORSE);
    receive("source", OLD);
    expect(announcement.value).toBe("Alarm: warning m f of z.");
    receive("source", { ...OLD, state: "acknowledged" });
    expect(announcement.value).toBe("No alarm is raised.");
    receive("source", LATE);
    expect(announcement.value).toBe("Alarm: warning m f of z.");
    receive("source");
    expect(announcement.value).toBe("No alarm is raised.");
  });

  it("are another user's no longer", () => {
    receive("source", OLD);
    user.value = `reader ${count++}`;
    expect(announcement.value).toBe("");
  });
});
