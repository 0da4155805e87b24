import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Query } from "../../../src/api/protocol";
import type { StoredEvent } from "../../../src/model/values/event";

// The session is replaced by the test.
const world = vi.hoisted(() => ({
  asked: [] as Query[],
  answer: (_: Query): Promise<unknown> => Promise.resolve({ events: [] }),
}));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    ...{ connection: signal("open"), notice: signal(""), status: signal(null), user: signal(null) },
    ...{ reconnect: () => undefined, recoveries: { subscribe: () => undefined } },
    request: (message: Query) => {
      if (message.type !== "query") return Promise.resolve({});
      world.asked.push(message);
      return world.answer(message);
    },
  };
});

const inspector = await import("../../../src/model/events/inspector");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { selection, visible } = await import("../../../src/model/timeline/span");
const { backwards, cursor, state, timebase } = await import("../../../src/model/clock/clock");
const { compareTimes } = await import("../../../src/model/values/time");

const GPS = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "gps" };
const TIME = "2026-01-01T00:00:10.000000001Z";

function event(number: number): StoredEvent {
  const times = { sourceTruthTime: TIME, canonicalTruthTime: TIME };
  return { eventId: String(number), lane: "raw", ...GPS, ...times };
}

/** A time of so many seconds. */
function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
}

function streamed(second: number): StoredEvent {
  return { ...event(second), lane: "ui", sourceTruthTime: at(second), canonicalTruthTime: at(second) };
}

function shown(): string[] {
  return (inspector.inspectorEvents.value ?? []).map(({ eventId }) => eventId);
}

beforeEach(() => {
  world.asked = [];
  world.answer = () => Promise.resolve({ events: [event(1)], nextKey: "k1" });
  [selectedEntity.value, selection.value] = [GPS, null];
  [cursor.value, state.value, timebase.value] = [TIME, "PAUSED", "source"];
  [inspector.inspectorRange.value, inspector.inspectorLanes.value, inspector.inspectorSelectedOnly.value] = ["clock", new Set(), true];
  inspector.inspectorType.value = "";
});

describe("the event inspector", () => {
  it("queries the newest events of the entity up to the clock", async () => {
    await inspector.refreshInspector();
    expect(world.asked).toEqual([
      {
        type: "query",
        reverse: true,
        limit: 50,
        timebase: "source",
        timelineMode: "REPLAY",
        filters: { scopeIds: ["s"], systemId: "a", containerId: "b", uniqueId: "gps" },
        stopTime: TIME,
      },
    ]);
    expect(inspector.inspectorEvents.value).toEqual([event(1)]);
  });

  it("queries LIVE only up to the clock in source time, so that events dated ahead hide nothing", async () => {
    state.value = "LIVE";
    expect(inspector.inspectorQuery(null)).toMatchObject({ stopTime: TIME });
    timebase.value = "canonical";
    expect(inspector.inspectorQuery(null)).not.toHaveProperty("stopTime");
  });

  it("queries any lane and type of all entities, in the visible span or the selection", async () => {
    inspector.inspectorSelectedOnly.value = false;
    inspector.toggleLane("raw");
    inspector.toggleLane("command");
    inspector.toggleLane("command");
    inspector.inspectorType.value = " Battery ";
    inspector.inspectorRange.value = "visible";
    visible.value = { startMs: 0, stopMs: 1_500 };
    await inspector.refreshInspector();
    expect(world.asked[0]).toMatchObject({
      filters: { lanes: ["raw"], messageTypes: ["Battery"] },
      startTime: "1970-01-01T00:00:00.000000000Z",
      stopTime: "1970-01-01T00:00:01.500000000Z",
    });
    inspector.inspectorRange.value = "selection";
    await inspector.refreshInspector();
    expect(world.asked).toHaveLength(1);
    expect(inspector.inspectorEvents.value).toEqual([]);
  });

  it("pages to older events and back, and does not change meanwhile", async () => {
    await inspector.refreshInspector();
    await inspector.olderPage();
    expect([inspector.pageNumber.value, inspector.isListHeld.value]).toEqual([2, true]);
    expect(world.asked[1]?.afterKey).toBe("k1");
    await inspector.followInspector();
    expect(world.asked).toHaveLength(2);
    await inspector.newerPage();
    expect([inspector.pageNumber.value, world.asked[2]?.afterKey]).toEqual([1, undefined]);
    await inspector.refreshInspector();
    expect(inspector.isListHeld.value).toBe(false);
  });

  it("follows the stream forwards without asking, and asks for what came before a page", async () => {
    [state.value, cursor.value] = ["LIVE", at(99)];
    inspector.applyToInspector([streamed(19)]);
    expect(inspector.isListStreamed.value, "parsed and raw are not streamed").toBe(false);
    inspector.inspectorLanes.value = new Set(["ui"]);
    await inspector.refreshInspector();
    const other = { ...streamed(21), uniqueId: "other" };
    inspector.applyToInspector([streamed(20), other, streamed(22)]);
    expect(shown()).toEqual(["22", "20", "1"]);
    inspector.applyToInspector([streamed(21)]);
    expect(shown(), "late").toEqual(["22", "21", "20", "1"]);
    expect(world.asked).toHaveLength(1);
    inspector.applyToInspector(Array.from({ length: 60 }, (_, number) => streamed(30 + number)));
    expect(shown()).toHaveLength(50);
    await inspector.olderPage();
    expect(world.asked.slice(1).map(({ afterKey }) => afterKey)).toEqual([undefined, "k1"]);
  });

  it("asks LIVE for what was received since its newest event, late or not, and for the whole page at times", async () => {
    vi.useFakeTimers();
    [state.value, cursor.value] = ["LIVE", at(99)];
    world.answer = () => Promise.resolve({ events: [streamed(20), streamed(19)], nextKey: "k1" });
    await inspector.refreshInspector();
    const late = { ...streamed(18), canonicalTruthTime: at(21) };
    const ahead = { ...streamed(500), canonicalTruthTime: at(22) };
    const received: StoredEvent[] = [];
    inspector.receivedEvents.subscribe((events) => received.push(...events));
    inspector.applyToInspector([{ ...event(7), lane: "ui", sourceTruthTime: at(23), canonicalTruthTime: at(23) }]);
    world.answer = () => Promise.resolve({ events: [ahead, late] });
    await inspector.followInspector();
    expect(world.asked[1]).toMatchObject({ timebase: "canonical", startTime: at(20).replace("Z", "000001Z") });
    expect(world.asked[1]?.filters?.lanes, "the others are streamed").toEqual(["parsed", "raw"]);
    expect(world.asked[1]).not.toHaveProperty("stopTime");
    expect([shown(), inspector.nextKey.value]).toEqual([["7", "20", "19", "18"], "k1"]);
    expect(received.map(({ eventId }) => eventId)).toEqual(["18"]);
    world.answer = () => Promise.resolve({ events: [streamed(25)], nextKey: "more" });
    await inspector.followInspector();
    expect(world.asked.slice(2).map((one) => one.timebase), "too many").toEqual(["canonical", "source"]);
    vi.advanceTimersByTime(31_000);
    await inspector.followInspector();
    expect(world.asked.slice(4).map((one) => one.timebase)).toEqual(["source"]);
    vi.useRealTimers();
  });

  it("reads forwards only what is ahead of what it has read, each event once", async () => {
    [state.value, backwards.value, cursor.value] = ["PLAYING", false, at(30)];
    world.answer = () => Promise.resolve({ events: [streamed(30), streamed(29)] });
    await inspector.refreshInspector();
    const until = world.asked[0]?.stopTime as string;
    expect(compareTimes(at(30), until)).toBeLessThan(0);
    await inspector.followInspector();
    expect(world.asked, "the clock has not moved").toHaveLength(1);
    cursor.value = at(31);
    const ofOneTime = ["raw", "parsed", "ui"].map((lane, place) => ({ ...streamed(31), lane, eventId: String(place) }));
    world.answer = () => Promise.resolve({ events: ofOneTime });
    await inspector.followInspector();
    expect(world.asked[1]).toMatchObject({ timebase: "source", limit: 500 });
    expect(world.asked[1]?.filters, "of all lanes, so that none is ahead of another").not.toHaveProperty("lanes");
    inspector.applyToInspector([streamed(32)]);
    expect(compareTimes(until, world.asked[1]?.startTime as string)).toBe(-1);
    expect(shown(), "by lane at one time").toEqual(["0", "1", "2", "30", "29"]);
    state.value = "PAUSED";
    await inspector.followInspector();
    expect(world.asked[2], "another state has another list").toMatchObject({ limit: 50 });
  });

  it("keeps what was streamed while a reply was awaited", async () => {
    [state.value, cursor.value] = ["LIVE", at(99)];
    inspector.inspectorLanes.value = new Set(["ui"]);
    const asking = inspector.refreshInspector();
    inspector.applyToInspector([streamed(20)]);
    await asking;
    expect(shown()).toEqual(["20", "1"]);
  });

  it("reads ahead backwards, and lists nothing that the clock has passed", async () => {
    [state.value, backwards.value, cursor.value] = ["PLAYING", true, at(199)];
    const all = Array.from({ length: 200 }, (_, number) => streamed(199 - number));
    world.answer = () => Promise.resolve({ events: all, nextKey: "k1" });
    await inspector.refreshInspector();
    expect(world.asked[0]?.limit).toBe(500);
    expect(shown().slice(0, 2)).toEqual(["199", "198"]);
    cursor.value = at(120);
    expect([shown()[0], shown().length, inspector.isReadAheadDue.value]).toEqual(["120", 50, false]);
    cursor.value = at(30);
    expect([shown()[0], inspector.isReadAheadDue.value]).toEqual(["30", true]);
    backwards.value = false;
  });

  it("moves the clock to the event shown in full, and distinguishes that jump from others", () => {
    inspector.inspectEvent(event(7));
    expect(cursor.value).toBe(TIME);
    expect(inspector.inspectedEvent.value?.eventId).toBe("7");
    expect(inspector.consumeOwnJump()).toBe(true);
    expect(inspector.consumeOwnJump()).toBe(false);
  });

  it("drops a reply that a newer request overtook", async () => {
    let finish: (value: unknown) => void = () => undefined;
    const late = new Promise((resolve) => (finish = resolve));
    world.answer = () => late;
    const overtaken = inspector.refreshInspector();
    world.answer = () => Promise.resolve({ events: [event(2)] });
    await inspector.refreshInspector();
    finish({ events: [event(1)], nextKey: "old" });
    await overtaken;
    expect(inspector.inspectorEvents.value?.map(({ eventId }) => eventId)).toEqual(["2"]);
    expect(inspector.nextKey.value).toBeNull();
  });

  it("shows the error of a failed request", async () => {
    world.answer = () => Promise.reject(new Error("the Core is away"));
    await expect(inspector.refreshInspector()).rejects.toThrow();
    expect(inspector.inspectorError.value).toBe("the Core is away");
    world.answer = () => Promise.resolve({ events: [] });
    await inspector.refreshInspector();
    expect(inspector.inspectorError.value).toBe("");
  });
});
