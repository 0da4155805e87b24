import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { StartStream } from "../../../src/api/protocol";

const world = vi.hoisted(() => ({
  asked: [] as { type: string }[],
  extent: {
    ...{ events: 5, time: "2026-01-01T00:00:00Z", startTime: "2020-01-01T00:00:00Z" },
    ...{ presentTime: "2020-01-02T00:00:00Z", stopTime: "2020-01-02T00:00:00Z" },
  } as Record<string, unknown>,
}));
vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    notice: signal(""),
    connection: signal("open"),
    reconnect: () => undefined,
    recoveries: { subscribe: () => undefined },
    request: (message: { type: string }) => {
      world.asked.push(message);
      return Promise.resolve(world.extent);
    },
  };
});
vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("history", { state: null, replaceState: () => undefined });
vi.stubGlobal("addEventListener", () => undefined);

const { openMoment } = await import("../../../src/model/address/url_sync");
const timelineSync = await import("../../../src/model/timeline/timeline_sync");
const { showEverything } = await import("../../../src/model/timeline/gesture");
const { inspectorQuery } = await import("../../../src/model/events/inspector");
const { refreshExtent } = await import("../../../src/model/timeline/timeline_data");
const span = await import("../../../src/model/timeline/span");
const { heldMs } = await import("../../../src/model/timeline/scrub");
const { toMs } = await import("../../../src/model/values/time");
const clock = await import("../../../src/model/clock/clock");

const START = Date.UTC(2026, 0, 1);
const MINUTE = { startMs: START, stopMs: START + 60_000 };

function at(second: number): string {
  return new Date(START + second * 1000).toISOString();
}

function chunk(second: number): void {
  const starts = world.asked.filter((message) => message.type === "startStream") as StartStream[];
  const playbackRequestId = starts.at(-1)?.playbackRequestId ?? "";
  clock.receiveFrame({ type: "streamChunk", playbackRequestId, cursor: at(second), events: [] });
  clock.flush();
}

function isCursorSeen(): boolean {
  return span.spanContains(span.visible.value, toMs(clock.cursor.value));
}

describe("the visible span", () => {
  beforeAll(() => {
    vi.useFakeTimers({ now: START });
    timelineSync.startTimelineSync();
  });
  afterAll(() => {
    vi.useRealTimers();
  });
  beforeEach(() => {
    clock.pause();
    clock.seek(at(30));
    span.setVisible(MINUTE);
  });

  it("slides with LIVE, keeps its length, and stays where a person moved it", () => {
    timelineSync.goToPresent();
    chunk(40);
    expect(span.visible.value).toEqual(MINUTE);
    for (const second of [58, 61, 65]) chunk(second);
    expect(isCursorSeen()).toBe(true);
    expect(span.spanLength(span.visible.value)).toBe(60_000);
    span.setVisible({ startMs: START - 1e6, stopMs: START - 9e5 });
    const elsewhere = span.visible.value;
    chunk(70);
    expect(span.visible.value).toBe(elsewhere);
  });

  it("moves to the present when a person goes LIVE", () => {
    span.setVisible({ startMs: START - 1e9, stopMs: START - 1e9 + 60_000 });
    timelineSync.goToPresent();
    chunk(80);
    expect(isCursorSeen()).toBe(true);
  });

  it("turns like a page when a replay leaves it, in both directions", () => {
    clock.play();
    chunk(59);
    expect(span.visible.value.startMs).toBeGreaterThan(START);
    expect(isCursorSeen()).toBe(true);
    clock.chooseDirection(true);
    span.setVisible({ startMs: START + 55_000, stopMs: START + 115_000 });
    chunk(56);
    expect(span.visible.value.startMs).toBeLessThan(START + 50_000);
    clock.chooseDirection(false);
  });

  it("follows a seek, but not while the cursor is held", () => {
    clock.seek(at(10_000));
    expect(isCursorSeen()).toBe(true);
    const there = span.visible.value;
    heldMs.value = START;
    clock.seek(at(0));
    expect(span.visible.value).toBe(there);
    heldMs.value = undefined;
  });

  it("shows the whole archive at first when all events are old", async () => {
    span.setVisible({ startMs: START - 600_000, stopMs: START + 60_000 });
    openMoment();
    await timelineSync.openTimeline();
    expect(clock.state.value).toBe("LIVE");
    expect(span.visible.value.startMs).toBeLessThan(Date.UTC(2020, 0, 1));
    expect(span.visible.value.stopMs).toBeGreaterThan(Date.UTC(2020, 0, 2));
  });

  it("ends at the present when events are dated ahead, shows those on request, and returns as it was", async () => {
    const aheadMs = Date.UTC(2080, 0, 1);
    world.extent = { ...world.extent, ahead: 3, nextTime: "2080-01-01T00:00:00.000Z", stopTime: "2080-01-02T00:00:00.000Z" };
    await refreshExtent();
    showEverything();
    expect(span.visible.value.stopMs).toBeLessThan(Date.UTC(2020, 0, 3));
    const before = span.spanLength(span.visible.value);
    timelineSync.goToDatedAhead();
    expect([clock.state.value, clock.cursor.value]).toEqual(["PAUSED", "2080-01-01T00:00:00.000Z"]);
    expect([aheadMs, aheadMs + 86_400_000].every((ms) => span.spanContains(span.visible.value, ms))).toBe(true);
    expect(inspectorQuery(null)).toMatchObject({ startTime: "2080-01-01T00:00:00.000Z", filters: {} });
    timelineSync.goToPresent();
    expect(span.spanLength(span.visible.value)).toBe(before);
    expect(clock.state.value).toBe("LIVE");
  });
});
