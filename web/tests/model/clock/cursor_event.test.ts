import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../../../src/model/values/event";

interface Asked {
  type: string;
  time: string;
  direction: "next" | "previous";
  timebase: "source" | "canonical";
  filters: { uniqueId?: string; lanes?: string[] };
}

function event(uniqueId: string, source: string, canonical: string): StoredEvent {
  return {
    ...{ eventId: source, scopeId: "s", systemId: "a", containerId: "b", uniqueId, lane: "ui" },
    sourceTruthTime: source,
    canonicalTruthTime: canonical,
  };
}

const world = vi.hoisted(() => ({ events: [] as unknown[] }));

/** A time with all its digits, so that strings sort like times. */
function full(time: string): string {
  const [whole = "", below = ""] = time.replace("Z", "").split(".");
  return `${whole}.${below.padEnd(9, "0")}`;
}

/** The server's reply: the events of an instant. */
function instantOf(asked: { startTime: string; filters: { uniqueId?: string } }): object {
  const all = (world.events as StoredEvent[])
    .filter((one) => asked.filters.uniqueId === undefined || one.uniqueId === asked.filters.uniqueId)
    .filter((one) => [one.sourceTruthTime, one.canonicalTruthTime].includes(asked.startTime));
  return { events: all };
}

/** The server's reply: the nearest event strictly beyond a time. */
function neighbourOf(asked: Asked): object {
  const key = asked.timebase === "source" ? "sourceTruthTime" : "canonicalTruthTime";
  const all = (world.events as StoredEvent[])
    .filter((one) => asked.filters.uniqueId === undefined || one.uniqueId === asked.filters.uniqueId)
    .filter((one) => asked.filters.lanes === undefined || asked.filters.lanes.includes(one.lane))
    .sort((left, right) => (left[key] < right[key] ? -1 : 1));
  const at = full(asked.time);
  const found =
    asked.direction === "next"
      ? all.find((one) => full(one[key]) > at)
      : all.filter((one) => full(one[key]) < at).at(-1);
  return found === undefined ? {} : { time: found[key], key: "k", event: found };
}

vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: Asked & { startTime: string }) => {
    if (message.type === "query") return Promise.resolve(instantOf(message));
    return Promise.resolve(message.type === "neighbour" ? neighbourOf(message) : {});
  },
}));

const cursorEvents = await import("../../../src/model/clock/cursor_event");
const { toast } = await import("../../../src/model/page/toast");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { setVisible, toX, visible } = await import("../../../src/model/timeline/span");
const { toMs } = await import("../../../src/model/values/time");
const clock = await import("../../../src/model/clock/clock");

const DAY = "2026-01-01T";
const GPS = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "gps" };

describe("the event under the cursor", () => {
  beforeEach(() => {
    world.events = [
      event("gps", `${DAY}00:00:10Z`, `${DAY}05:00:10Z`),
      event("bus", `${DAY}00:00:20Z`, `${DAY}05:00:05Z`),
      event("gps", `${DAY}00:00:30Z`, `${DAY}05:00:40Z`),
    ];
    selectedEntity.value = null;
    cursorEvents.stepKind.value = "all";
    clock.timebase.value = "source";
    clock.seek(`${DAY}00:00:25Z`);
    cursorEvents.clearCursorEvent();
    toast.value = "";
  });

  it("is the newest at or before the cursor, with its time in the other timebase", async () => {
    await cursorEvents.refreshCursorEvent();
    expect(cursorEvents.otherTime.value).toBe(`${DAY}05:00:05Z`);
    clock.seek(`${DAY}00:00:30Z`);
    await cursorEvents.refreshCursorEvent();
    expect(cursorEvents.otherTime.value).toBe(`${DAY}05:00:40Z`);
  });

  it("is the selected entity's, when one is selected", async () => {
    selectedEntity.value = GPS;
    await cursorEvents.refreshCursorEvent();
    expect(cursorEvents.cursorEvent.value?.uniqueId).toBe("gps");
    selectedEntity.value = { ...GPS, uniqueId: "silent" };
    await cursorEvents.refreshCursorEvent();
    expect(cursorEvents.cursorEvent.value?.uniqueId).toBe("bus");
  });

  it("stays under the cursor when the timebase is switched, at its place in the view", async () => {
    setVisible({ startMs: toMs(`${DAY}00:00:00Z`), stopMs: toMs(`${DAY}00:01:40Z`) });
    await cursorEvents.switchTimebase("canonical");
    expect(clock.timebase.value).toBe("canonical");
    expect(clock.cursor.value).toBe(`${DAY}05:00:05Z`);
    expect(toX(visible.value, toMs(clock.cursor.value), 100)).toBeCloseTo(25, 6);
    await cursorEvents.switchTimebase("source");
    expect(clock.cursor.value).toBe(`${DAY}00:00:20Z`);
  });

  it("is the last in the other timebase of those that share its time, so that all of them are known", async () => {
    world.events = [
      event("gps", `${DAY}00:00:20Z`, `${DAY}05:00:07Z`),
      event("bus", `${DAY}00:00:20Z`, `${DAY}05:00:05Z`),
    ];
    await cursorEvents.switchTimebase("canonical");
    expect(clock.cursor.value).toBe(`${DAY}05:00:07Z`);
  });

  it("is undefined before the first event: the time is kept, with a notice", async () => {
    clock.seek(`${DAY}00:00:01Z`);
    await cursorEvents.switchTimebase("canonical");
    expect(clock.cursor.value).toBe(`${DAY}00:00:01Z`);
    expect(toast.value).toContain("No event");
  });

  it("changes by single steps, which pause playback", async () => {
    clock.play();
    await cursorEvents.step("next");
    expect(clock.cursor.value).toBe(`${DAY}00:00:30Z`);
    expect(clock.state.value).toBe("PAUSED");
    await cursorEvents.step("previous");
    await cursorEvents.step("previous");
    expect(clock.cursor.value).toBe(`${DAY}00:00:10Z`);
    await cursorEvents.step("previous");
    expect(toast.value).toBe("There is no earlier event.");
  });

  it("is stepped among the selected entity's events, or among commands", async () => {
    selectedEntity.value = GPS;
    cursorEvents.stepKind.value = "entity";
    await cursorEvents.step("previous");
    expect(clock.cursor.value).toBe(`${DAY}00:00:10Z`);
    cursorEvents.stepKind.value = "command";
    await cursorEvents.step("next");
    expect(toast.value).toBe("There is no later event.");
  });
});
