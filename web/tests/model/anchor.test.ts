import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../../src/model/event";

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

/** A time with all its digits, so that texts have the order of times. */
function full(time: string): string {
  const [whole = "", below = ""] = time.replace("Z", "").split(".");
  return `${whole}.${below.padEnd(9, "0")}`;
}

/** What a server does: the events of an instant. */
function instantOf(asked: { startTime: string; filters: { uniqueId?: string } }): object {
  const all = (world.events as StoredEvent[])
    .filter((one) => asked.filters.uniqueId === undefined || one.uniqueId === asked.filters.uniqueId)
    .filter((one) => [one.sourceTruthTime, one.canonicalTruthTime].includes(asked.startTime));
  return { events: all };
}

/** What a server does: the nearest event strictly beyond a time. */
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

vi.mock("../../src/model/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: Asked & { startTime: string }) => {
    if (message.type === "query") return Promise.resolve(instantOf(message));
    return Promise.resolve(message.type === "neighbour" ? neighbourOf(message) : {});
  },
}));

const anchor = await import("../../src/model/anchor");
const { hint } = await import("../../src/model/hint");
const { selected } = await import("../../src/model/entities");
const { show, toX, visible } = await import("../../src/model/span");
const { toMs } = await import("../../src/model/time");
const timeline = await import("../../src/model/timeline");

const DAY = "2026-01-01T";
const GPS = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "gps" };

describe("the event under the cursor", () => {
  beforeEach(() => {
    world.events = [
      event("gps", `${DAY}00:00:10Z`, `${DAY}05:00:10Z`),
      event("bus", `${DAY}00:00:20Z`, `${DAY}05:00:05Z`),
      event("gps", `${DAY}00:00:30Z`, `${DAY}05:00:40Z`),
    ];
    selected.value = null;
    anchor.stepKind.value = "all";
    timeline.timebase.value = "source";
    timeline.seek(`${DAY}00:00:25Z`);
    anchor.forgetAnchor();
    hint.value = "";
  });

  it("is the newest at or before it, and tells its time by the other clock", async () => {
    await anchor.refreshAnchor();
    expect(anchor.otherTime.value).toBe(`${DAY}05:00:05Z`);
    timeline.seek(`${DAY}00:00:30Z`);
    await anchor.refreshAnchor();
    expect(anchor.otherTime.value).toBe(`${DAY}05:00:40Z`);
  });

  it("is the chosen entity's, where one is chosen", async () => {
    selected.value = GPS;
    await anchor.refreshAnchor();
    expect(anchor.anchor.value?.uniqueId).toBe("gps");
    selected.value = { ...GPS, uniqueId: "silent" };
    await anchor.refreshAnchor();
    expect(anchor.anchor.value?.uniqueId).toBe("bus");
  });

  it("stays under the cursor when the clock is changed, and at its place in the view", async () => {
    show({ startMs: toMs(`${DAY}00:00:00Z`), stopMs: toMs(`${DAY}00:01:40Z`) });
    await anchor.switchTimebase("canonical");
    expect(timeline.timebase.value).toBe("canonical");
    expect(timeline.cursor.value).toBe(`${DAY}05:00:05Z`);
    expect(toX(visible.value, toMs(timeline.cursor.value), 100)).toBeCloseTo(25, 6);
    await anchor.switchTimebase("source");
    expect(timeline.cursor.value).toBe(`${DAY}00:00:20Z`);
  });

  it("is the last by the other clock of those that share its time, so that all of them stay known", async () => {
    world.events = [
      event("gps", `${DAY}00:00:20Z`, `${DAY}05:00:07Z`),
      event("bus", `${DAY}00:00:20Z`, `${DAY}05:00:05Z`),
    ];
    await anchor.switchTimebase("canonical");
    expect(timeline.cursor.value).toBe(`${DAY}05:00:07Z`);
  });

  it("is not there before the first: the time is kept, and that is said", async () => {
    timeline.seek(`${DAY}00:00:01Z`);
    await anchor.switchTimebase("canonical");
    expect(timeline.cursor.value).toBe(`${DAY}00:00:01Z`);
    expect(hint.value).toContain("No event");
  });

  it("is stepped from one to the next, paused", async () => {
    timeline.play();
    await anchor.step("next");
    expect(timeline.cursor.value).toBe(`${DAY}00:00:30Z`);
    expect(timeline.state.value).toBe("PAUSED");
    await anchor.step("previous");
    await anchor.step("previous");
    expect(timeline.cursor.value).toBe(`${DAY}00:00:10Z`);
    await anchor.step("previous");
    expect(hint.value).toBe("There is no earlier event.");
  });

  it("is stepped among the chosen entity's, or among commands", async () => {
    selected.value = GPS;
    anchor.stepKind.value = "entity";
    await anchor.step("previous");
    expect(timeline.cursor.value).toBe(`${DAY}00:00:10Z`);
    anchor.stepKind.value = "command";
    await anchor.step("next");
    expect(hint.value).toBe("There is no later event.");
  });
});
