import { describe, expect, it } from "vitest";
import type { AlarmInfo, AlarmTransition } from "../../../src/api/protocol";
import { AlarmWindow, alarmKey, beforeTime, isAbnormal, replaced, unlessSame, upToTime } from "../../../src/model/alarms/alarm_window";

/** A small generator of equal sequences for equal seeds. */
function drawing(seed: number): (most: number) => number {
  let state = seed;
  return (most) => (state = (state * 48271) % 2147483647) % most;
}

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

function transition(second: number, draw: (most: number) => number): AlarmTransition {
  const state = (["normal", "raised", "acknowledged", "cleared"] as const)[draw(4)] ?? "normal";
  const ids = { scopeId: "s", systemId: "x", containerId: "y", uniqueId: `u${draw(3)}` };
  const alarm: AlarmInfo = { ...ids, rule: "r", lane: "parsed", messageType: "m", field: "f", state, shelved: draw(4) === 0, value: second };
  return { time: at(second), change: "raised", alarm };
}

/** The abnormal alarms after the transitions up to a time. */
function byHand(all: readonly AlarmTransition[], second: number): [string, AlarmInfo][] {
  const last = new Map<string, AlarmInfo>();
  for (const { time, alarm } of all) if (Date.parse(time) <= Date.parse(at(second))) last.set(alarmKey(alarm), alarm);
  return [...last].filter(([, alarm]) => isAbnormal(alarm)).sort();
}

describe("a window of alarms", () => {
  it("has at every moment the states that follow from the transitions, in any order of moments", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const draw = drawing(seed);
      const all = Array.from({ length: 40 }, () => draw(60)).sort((one, other) => one - other).map((second) => transition(second, draw));
      const start = 20;
      const base = new Map(byHand(all, start));
      const later = all.filter(({ time }) => Date.parse(time) > Date.parse(at(start)));
      const window = new AlarmWindow(beforeTime(at(start)), base, later, upToTime(at(60)));
      for (let turn = 0; turn < 50; turn++) {
        const second = start + draw(41);
        expect([...window.statesAt(at(second))].sort(), `seed ${seed} at ${second}`).toEqual(byHand(all, second));
      }
    }
  });

  it("covers its beginning, and what is before its end to the nanosecond", () => {
    const none = new Map();
    const whole = new AlarmWindow(beforeTime(at(1)), none, [], upToTime("2026-01-01T00:00:05.000000001Z"));
    const moments = [at(0), at(1), "2026-01-01T00:00:05.000000001Z", "2026-01-01T00:00:05.000000002Z"];
    expect(moments.map((time) => whole.covers(time))).toEqual([false, true, true, false]);
    const cut = new AlarmWindow(beforeTime(at(1)), none, [], beforeTime(at(5)));
    expect([at(4), at(5)].map((time) => cut.covers(time))).toEqual([true, false]);
    const empty = new AlarmWindow(beforeTime(at(1)), none, [], beforeTime(at(1)));
    expect([at(1), at(2)].map((time) => empty.covers(time))).toEqual([true, false]);
  });

  it("is the same map until something changes", () => {
    const draw = drawing(3);
    const window = new AlarmWindow("", new Map(), [transition(5, draw)], upToTime(at(9)));
    expect(window.statesAt(at(1))).toBe(window.statesAt(at(4)));
    expect(window.statesAt(at(6))).toBe(window.statesAt(at(9)));
  });
});

describe("states of alarms", () => {
  const draw = drawing(7);
  const all = Array.from({ length: 40 }, (_, second) => transition(second, draw).alarm);
  const states = replaced(new Map(), all);

  it("are the same map where nothing changes, so that nothing is drawn again", () => {
    const normal: AlarmInfo = { ...(all[0] as AlarmInfo), uniqueId: "other", state: "normal", shelved: false };
    expect(replaced(states, [])).toBe(states);
    expect(replaced(states, [normal])).toBe(states);
    expect(unlessSame(states, new Map([...states].map(([key, one]) => [key, { ...one }])))).toBe(states);
  });

  it("are others where an alarm comes, goes or changes", () => {
    const [[key, one]] = [...states] as [[string, AlarmInfo]];
    const fewer = replaced(states, [{ ...one, state: "normal", shelved: false }]);
    expect([states.size - fewer.size, unlessSame(states, fewer)]).toEqual([1, fewer]);
    const changed = new Map(states).set(key, { ...one, value: -1 });
    expect(unlessSame(states, changed)).toBe(changed);
    expect(unlessSame(fewer, states)).toBe(states);
  });
});
