import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo, AlarmTransition, AlarmUpdates } from "../../../src/api/protocol";
import type { Emitter } from "../../../src/emitter";

interface Asked {
  type: string;
  followId?: string;
  time?: string;
  timebase?: string;
  startTime?: string;
  stopTime?: string;
  reverse?: boolean;
}

// The session is replaced by a Core with some transitions.
const world = vi.hoisted(() => ({
  asked: [] as Asked[],
  transitions: [] as unknown[],
  most: 2_000,
  settled: "2026-01-01T01:00:00Z",
}));

vi.mock("../../../src/model/session/session", async () => {
  const { Emitter: Emitting } = await import("../../../src/emitter");
  const { sessionOf: mocked } = await import("../session/fake_session");
  return mocked({
    alarmFrames: new Emitting(),
    request: (message: Asked) => {
      world.asked.push(message);
      return Promise.resolve(answer(message));
    },
  });
});
vi.stubGlobal("document", { hidden: false, title: "NOVA" });

const { startAlarmSync } = await import("../../../src/model/alarms/alarm_sync");
const { alarmStates, alarmsPending, alarmsTrouble, coreNowMs, presentStates } = await import("../../../src/model/alarms/alarm_states");
const { isAbnormal } = await import("../../../src/model/alarms/alarm_window");
const { fromMs } = await import("../../../src/model/values/time");
const clock = await import("../../../src/model/clock/clock");
const session = await import("../../../src/model/session/session");
const frames = session.alarmFrames as Emitter<[frame: AlarmUpdates]>;

const ALARM: AlarmInfo = {
  ...{ rule: "r", scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z", lane: "parsed" },
  ...{ messageType: "m", field: "f", state: "normal" },
};

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

/** Raised at each even second, cleared and seen at each odd one. */
const STORY: AlarmTransition[] = Array.from({ length: 40 }, (_, second) => {
  const isRaised = second % 2 === 0;
  const alarm: AlarmInfo = { ...ALARM, value: second, ...(isRaised ? { state: "raised", severity: "warning" } : {}) };
  return { time: at(second), change: isRaised ? "raised" : "cleared", alarm };
});

function answer({ type, time, startTime, stopTime, reverse }: Asked): unknown {
  const all = world.transitions as AlarmTransition[];
  if (type === "alarms") {
    const last = all.filter((one) => one.time <= (time ?? "9")).at(-1)?.alarm;
    const alarms = last !== undefined && isAbnormal(last) ? [last] : [];
    return { type: "alarmsResponse", time, judged: world.settled, settled: world.settled, behind: false, alarms };
  }
  if (type !== "alarmHistory") return {};
  const found = all.filter((one) => one.time >= (startTime ?? "") && one.time <= (stopTime ?? "9"));
  if (reverse === true) found.reverse();
  const transitions = found.slice(0, world.most);
  const more = found.length > world.most ? { nextKey: "k" } : {};
  return { type: "alarmHistoryResponse", judged: world.settled, settled: world.settled, behind: false, transitions, ...more };
}

function shownValue(): unknown {
  return [...alarmStates.value.values()][0]?.value;
}

/** What the story has at a second. */
function expected(second: number): unknown {
  return second % 2 === 0 ? second : undefined;
}

async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

function alarmsAsked(): Asked[] {
  return world.asked.filter(({ type }) => type.startsWith("alarm"));
}

function receive(more: Partial<AlarmUpdates>): void {
  const followId = world.asked.filter(({ type }) => type === "followAlarms").at(-1)?.followId ?? "";
  frames.emit({ type: "alarmUpdates", followId, time: at(50), judged: at(50), behind: false, whole: false, alarms: [], ...more });
}

describe("the alarms", () => {
  beforeAll(async () => {
    vi.useFakeTimers({ now: Date.parse("2026-01-01T02:00:00Z") });
    startAlarmSync();
    await pass();
  });
  beforeEach(async () => {
    [world.transitions, world.most, world.settled] = [STORY, 2_000, "2026-01-01T01:00:00Z"];
    clock.chooseDirection(false);
    clock.seek(at(0));
    await pass(1_000);
    world.asked.length = 0;
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  it("are received LIVE, and nothing is asked; a silence is said and followed anew", async () => {
    clock.goLive();
    await pass();
    expect(alarmsPending.value).toBe(true);
    receive({ whole: true, alarms: [{ ...ALARM, state: "raised", value: 1 }] });
    expect([shownValue(), alarmsPending.value]).toEqual([1, false]);
    receive({ alarms: [{ ...ALARM, state: "raised", value: 2 }] });
    expect(shownValue()).toBe(2);
    receive({ followId: "before", alarms: [{ ...ALARM, state: "raised", value: 3 }] });
    expect(shownValue(), "of what was followed before").toBe(2);
    receive({ alarms: [ALARM] });
    expect(alarmStates.value.size).toBe(0);
    expect(alarmsAsked()).toEqual([]);
    await pass(7_000);
    expect(alarmsTrouble.value).toContain("does not report alarms");
    expect(world.asked.filter(({ type }) => type === "followAlarms").length).toBeGreaterThan(1);
    receive({ whole: true });
    expect(alarmsTrouble.value).toBe("");
  });

  it("are not judged while the Core is away, however often LIVE is attempted", async () => {
    clock.goLive();
    await pass();
    receive({ whole: true });
    expect(alarmsTrouble.value).toBe("");
    for (let attempt = 0; attempt < 7; attempt++) {
      await pass(1_000);
      clock.goLive();
    }
    expect(alarmsTrouble.value).toContain("does not report alarms");
    await pass();
    receive({ whole: true });
    expect(alarmsTrouble.value).toBe("");
    (session.absence as { value: string }).value = "The Core does not answer.";
    expect(alarmsTrouble.value).toContain("The Core does not answer");
    (session.absence as { value: string }).value = "";
  });

  it("of the present are received while the clock is elsewhere, apart from those at the clock", async () => {
    clock.goLive();
    await pass();
    receive({ whole: true, alarms: [] });
    clock.seek(at(4));
    await pass(1_000);
    const followed = () => world.asked.filter(({ type }) => type === "followAlarms").length;
    const once = followed();
    receive({ alarms: [{ ...ALARM, rule: "now", state: "raised", severity: "critical" }] });
    expect([...presentStates.value.values()].map(({ rule }) => rule)).toEqual(["now"]);
    expect(shownValue()).toBe(4);
    await pass(3_000);
    receive({});
    clock.seek(at(6));
    await pass(1_000);
    expect(followed(), "they are followed already").toBe(once);
    session.recoveries.emit();
    expect(followed()).toBe(once + 1);
  });

  it("are read once where the clock is paused, and again only while that moment is not judged", async () => {
    clock.seek(at(4));
    await pass(20_000);
    expect([shownValue(), alarmsAsked().length]).toEqual([4, 1]);
    clock.chooseTimebase("canonical");
    world.settled = at(5);
    clock.seek(at(6));
    await pass(3_500);
    const asked = alarmsAsked().length;
    expect(asked).toBeGreaterThan(3);
    world.settled = at(7);
    await pass(2_000);
    const settled = alarmsAsked().length;
    await pass(20_000);
    expect(alarmsAsked().length).toBe(settled);
    clock.chooseTimebase("source");
  });

  it("are read again in source time until what was received before is judged, whatever its source time", async () => {
    world.settled = at(10);
    const before = fromMs(coreNowMs() - 1);
    clock.seek(at(6));
    await pass(3_500);
    expect(alarmsAsked().length).toBeGreaterThan(3);
    world.settled = before;
    await pass(3_500);
    const unsettled = alarmsAsked().length;
    world.settled = fromMs(coreNowMs());
    await pass(2_000);
    const settled = alarmsAsked().length;
    expect(settled).toBeGreaterThan(unsettled);
    await pass(20_000);
    expect(alarmsAsked().length, "later events do not count").toBe(settled);
  });

  it.each([2_000, 7])("are right at every moment of a replay in either direction, with %i transitions at once", async (most) => {
    world.most = most;
    clock.play();
    await pass(300);
    world.asked.length = 0;
    for (let second = 0; second < 40; second++) {
      clock.cursor.value = at(second);
      if (alarmsPending.value) await pass(300);
      expect(shownValue(), `forwards at ${second}`).toBe(expected(second));
    }
    clock.chooseDirection(true);
    await pass(300);
    for (let second = 39; second >= 0; second--) {
      clock.cursor.value = at(second);
      if (alarmsPending.value) await pass(300);
      expect(shownValue(), `backwards at ${second}`).toBe(expected(second));
    }
    const requests = alarmsAsked().length;
    expect(requests, "no request for each moment").toBeLessThan(most === 7 ? 40 : 3);
    clock.pause();
    await pass();
  });

  it("of another timebase or user are not shown", async () => {
    clock.seek(at(4));
    await pass(1_000);
    clock.chooseTimebase("canonical");
    expect(alarmsPending.value).toBe(true);
    await pass(1_000);
    expect(alarmsAsked().at(-1)).toMatchObject({ timebase: "canonical", time: at(4) });
    clock.chooseTimebase("source");
    await pass(1_000);
    session.user.value = "bob";
    expect(alarmStates.value.size).toBe(0);
    await pass(1_000);
    expect(shownValue()).toBe(4);
  });
});
