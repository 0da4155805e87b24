import { describe, expect, it, vi } from "vitest";
import type { AlarmInfo, AlarmTransition } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

interface Asked {
  limit: number;
  afterKey?: string;
}

const STORY_CHANGES = 7_000;
const asked: Asked[] = [];

/** The newest first; only the oldest one is of the unit `rare`. */
function transition(at: number): AlarmTransition {
  const of = { rule: "r", scopeId: "s", systemId: "x", containerId: "y", lane: "parsed", messageType: "m", field: "f" };
  const alarm: AlarmInfo = { ...of, uniqueId: at === STORY_CHANGES - 1 ? "rare" : "busy", state: "raised", severity: "warning" };
  return { time: "2026-01-01T00:00:00Z", change: "raised", alarm };
}

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: (message: Asked) => {
      asked.push(message);
      const first = Number(message.afterKey ?? 0);
      const end = Math.min(STORY_CHANGES, first + Math.min(message.limit, 5_000));
      const transitions = Array.from({ length: end - first }, (_, index) => transition(first + index));
      return Promise.resolve({ transitions, nextKey: end < STORY_CHANGES ? String(end) : null });
    },
  }),
);

const history = await import("../../../src/model/alarms/alarm_history");
const { alarmText, listedTransitions } = await import("../../../src/model/alarms/alarm_list");

describe("the history of alarms", () => {
  it("says that older changes are not read, and reads on until there are no more", async () => {
    alarmText.value = "rare";
    await history.refreshAlarmHistory();
    expect([listedTransitions.value?.length, history.isHistoryCut.value]).toEqual([0, true]);
    expect(asked).toHaveLength(1);
    history.readOlderHistory();
    await history.refreshAlarmHistory();
    expect([history.alarmTransitions.value?.length, history.isHistoryCut.value]).toEqual([5_500, true]);
    history.readOlderHistory();
    await history.refreshAlarmHistory();
    expect([listedTransitions.value?.length, history.isHistoryCut.value]).toEqual([1, false]);
    history.clearAlarmHistory();
    await history.refreshAlarmHistory();
    expect(history.alarmTransitions.value, "another place of the clock begins anew").toHaveLength(500);
  });
});
