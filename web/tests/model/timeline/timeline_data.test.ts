import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

interface Asked {
  type: string;
  startTime: string;
  stopTime: string;
  buckets: number;
  timebase: string;
}

// The session is replaced by the test.
const world = vi.hoisted(() => ({
  asked: [] as Asked[],
  waiting: [] as ((reply: unknown) => void)[],
  refuse: false,
}));
vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: Asked) => {
    if (message.type === "startStream" || message.type === "cancelStream") return Promise.resolve({});
    world.asked.push(message);
    if (world.refuse) return Promise.reject(new Error("no such request"));
    return new Promise((resolve) => world.waiting.push(resolve));
  },
}));

const timelineData = await import("../../../src/model/timeline/timeline_data");
const { tiles } = await import("../../../src/model/timeline/density");
const { panSpan, setVisible, visible } = await import("../../../src/model/timeline/span");
const clock = await import("../../../src/model/clock/clock");

const START = Date.UTC(2026, 0, 1);
const GAP = {
  lane: "metadata",
  messageType: "IngestGap",
  sourceTruthTime: "2026-01-01T00:01:00Z",
  canonicalTruthTime: "2026-01-01T00:02:00Z",
  payload: { topic: "tlm", from: "7", to: "9", reason: "retention" },
};

function counted(asked: Asked): object {
  const none: number[] = Array.from({ length: asked.buckets }, () => 0);
  const lanes = { metadata: none, command: none, ui: none, parsed: none, raw: none };
  const bucketNs = 2 ** Math.round(Math.log2(((Date.parse(asked.stopTime) - Date.parse(asked.startTime)) * 1e6) / asked.buckets));
  return { startTime: asked.startTime, bucketNs, timebase: asked.timebase, lanes };
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Answer pending requests, and those that follow from them. */
async function answer(events: unknown[] = []): Promise<void> {
  while (world.waiting.length > 0) {
    const asked = world.asked[world.asked.length - world.waiting.length] as Asked;
    world.waiting.shift()?.(asked.type === "summary" ? counted(asked) : asked.type === "alarmHistory" ? { transitions: [] } : { events });
    await pass(0);
  }
}

function summaries(): Asked[] {
  return world.asked.filter((message) => message.type === "summary");
}

describe("the extent", () => {
  const ends = { type: "extentResponse", timebase: "source", events: 5, time: "2026-06-01T00:00:00Z" } as const;
  const [startTime, presentTime] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
  const [nextTime, stopTime] = ["2026-07-01T00:00:00Z", "2080-01-01T00:00:00Z"];

  it("ends with the last event that is not dated ahead, and counts those that are", () => {
    expect(timelineData.extentOf({ ...ends, startTime, presentTime, nextTime, stopTime, ahead: 3 }, "source")).toEqual({
      ...{ startMs: Date.parse(startTime), stopMs: Date.parse(presentTime), events: 5, timebase: "source" },
      ahead: { count: 3, nextTime, lastMs: Date.parse(stopTime) },
    });
    const all = timelineData.extentOf({ ...ends, startTime, presentTime, stopTime: presentTime }, "source");
    expect(all).toMatchObject({ stopMs: Date.parse(presentTime) });
    expect(all?.ahead).toBeUndefined();
  });

  it("says the latest that now may be: read twice a second, by a reply that took a while, and not before a LIVE clock", async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) });
    timelineData.presentMs.value = Date.now();
    const asked = timelineData.refreshExtent();
    await pass(300);
    world.waiting.shift()?.({ ...ends, time: "2026-06-01T00:00:00.200Z", startTime, presentTime, stopTime: presentTime });
    await asked;
    world.asked.length = 0;
    const latestMs = () => Date.parse(timelineData.latestNow.value);
    expect(latestMs() - Date.UTC(2026, 5, 1)).toBe(500 - 100 + 300);
    clock.cursor.value = "2026-06-01T00:00:01.000Z";
    expect(latestMs() - Date.UTC(2026, 5, 1)).toBe(700);
    clock.state.value = "LIVE";
    expect(latestMs() - Date.UTC(2026, 5, 1)).toBe(1_000);
    clock.state.value = "PAUSED";
    vi.useRealTimers();
  });

  it("is now when all events are dated ahead, and null when the archive is empty", () => {
    const found = timelineData.extentOf({ ...ends, startTime: nextTime, nextTime, stopTime, ahead: 5 }, "source");
    expect(found).toMatchObject({ startMs: Date.parse(ends.time), stopMs: Date.parse(ends.time) });
    expect(timelineData.extentOf({ ...ends, events: 0 }, "source")).toBeNull();
  });
});

describe("the timeline's requests", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) });
    tiles.value = [];
    timelineData.timelineWidth.value = 1000;
    timelineData.extent.value = { startMs: START, stopMs: START + 3_600_000, events: 1, timebase: "source" };
    clock.timebase.value = "source";
    setVisible({ startMs: START, stopMs: START + 600_000 });
    timelineData.invalidateTimelineData();
    world.asked.length = world.waiting.length = 0;
  });
  afterEach(async () => {
    await pass(200);
    await answer();
    vi.useRealTimers();
  });

  it("wait until a move rests, are sent one at a time, and end with the final span", async () => {
    for (let step = 0; step < 40; step++) {
      setVisible(panSpan(visible.value, 300_000));
      timelineData.requestTimelineData();
      await pass(20);
    }
    expect(summaries()).toHaveLength(1);
    await answer();
    timelineData.requestTimelineData();
    await pass(200);
    await answer();
    expect(summaries().length).toBeLessThanOrEqual(3);
    expect(Date.parse(summaries().at(-1)?.startTime ?? "")).toBeLessThanOrEqual(visible.value.startMs);
    expect(timelineData.isTimelineFresh(Date.now())).toBe(true);
  });

  it("are not repeated for a known past, soon repeated for the present, and seldom while the clock stands", async () => {
    timelineData.requestTimelineData();
    await pass(100);
    await answer();
    timelineData.requestTimelineData();
    await pass(5000);
    expect(summaries()).toHaveLength(1);
    setVisible({ startMs: START + 3_500_000, stopMs: START + 3_700_000 });
    timelineData.requestTimelineData();
    await pass(100);
    await answer();
    expect(timelineData.isTimelineFresh(Date.now())).toBe(true);
    expect(timelineData.isTimelineFresh(Date.now() + 1_001)).toBe(true);
    expect(timelineData.isTimelineFresh(Date.now() + 10_001)).toBe(false);
    clock.state.value = "LIVE";
    expect(timelineData.isTimelineFresh(Date.now() + 1_001)).toBe(false);
    clock.state.value = "PAUSED";
  });

  it("are repeated within seconds for the present in a span of decades, whose buckets last for days", async () => {
    const now = Date.now();
    setVisible({ startMs: now - 33 * 31_557_600_000, stopMs: now + 31_557_600_000 });
    timelineData.extent.value = { startMs: START, stopMs: now, events: 1, timebase: "source" };
    clock.state.value = "LIVE";
    timelineData.requestTimelineData();
    await pass(100);
    await answer();
    expect(tiles.value[0]?.bucketMs).toBeGreaterThan(86_400_000);
    expect(timelineData.isTimelineFresh(Date.now() + 1_000)).toBe(true);
    await pass(5_000);
    expect(timelineData.isTimelineFresh(Date.now())).toBe(false);
    world.asked.length = 0;
    timelineData.requestTimelineData();
    await pass(100);
    expect(summaries().map(({ buckets }) => buckets < 10), "its last buckets only").toEqual([true]);
    await answer();
    clock.state.value = "PAUSED";
  });

  it("query gaps in the chosen timebase", async () => {
    timelineData.requestTimelineData();
    await pass(100);
    await answer([GAP]);
    expect(timelineData.markers.value).toEqual([
      { ms: START + 60_000, kind: "gap", text: "gap in tlm: 7 to 9 (retention)" },
    ]);
    clock.timebase.value = "canonical";
    timelineData.requestTimelineData();
    await pass(100);
    await answer([GAP]);
    expect(timelineData.markers.value[0]?.ms).toBe(START + 120_000);
  });

  it("show their error, retry after a while, and clear the error on success", async () => {
    world.refuse = true;
    for (let count = 0; count < 20; count++) {
      timelineData.requestTimelineData();
      await pass(100);
    }
    expect(timelineData.timelineError.value).toBe("no such request");
    expect(world.asked.length).toBe(1);
    world.refuse = false;
    await pass(3000);
    timelineData.requestTimelineData();
    await pass(100);
    await answer();
    expect(timelineData.timelineError.value).toBe("");
  });

  it("cover the whole archive with a margin", () => {
    const all = timelineData.fullSpan();
    expect(all?.startMs).toBeLessThan(START);
    expect(all?.stopMs).toBeGreaterThan(START + 3_600_000);
    timelineData.extent.value = null;
    expect(timelineData.fullSpan()).toBeUndefined();
  });
});
