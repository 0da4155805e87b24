import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StartStream } from "../../src/api/protocol";

const sent: { type: string }[] = [];
vi.mock("../../src/model/session", () => ({
  notice: { value: "" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    sent.push(message);
    return Promise.resolve({});
  },
}));

const timeline = await import("../../src/model/timeline");
const { behind, dismiss, missed } = await import("../../src/model/behind");
const { select } = await import("../../src/model/span");

function started(): StartStream {
  const last = sent.filter((message) => message.type === "startStream").at(-1);
  if (last === undefined) throw new Error("nothing was started");
  return last as StartStream;
}

function chunk(id: string, cursor: string, more: { events?: unknown[]; lastKey?: string } = {}): void {
  timeline.receive({ type: "streamChunk", playbackRequestId: id, cursor, events: [], ...more });
  timeline.flush();
}

function complete(cursor: string): void {
  timeline.receive({ type: "streamComplete", playbackRequestId: started().playbackRequestId, cursor });
  timeline.flush();
}

function second(count: number): string {
  return new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();
}

describe("timeline", () => {
  beforeEach(() => {
    sent.length = 0;
    select(null);
    timeline.looping.value = false;
    timeline.timebase.value = "source";
    dismiss();
    timeline.goLive();
    timeline.chooseRate(1);
  });

  it("is at the present as soon as it goes LIVE, before anything has come", () => {
    timeline.seek(second(0));
    const before = Date.now();
    timeline.goLive();
    expect(timeline.cursorMs.value).toBeGreaterThanOrEqual(before);
    expect(timeline.cursorMs.value).toBeLessThanOrEqual(Date.now());
  });

  it("has one state, and only an explicit act goes LIVE", () => {
    expect(timeline.state.value).toBe("LIVE");
    expect(started().timelineMode).toBe("LIVE");
    timeline.pause();
    expect(timeline.state.value).toBe("PAUSED");
    timeline.play();
    expect(timeline.state.value).toBe("PLAYING");
    expect(started().timelineMode).toBe("REPLAY");
  });

  it("drops frames of any stream but the one that plays", () => {
    const old = started().playbackRequestId;
    timeline.seek("2026-01-01T00:00:00Z");
    timeline.play();
    chunk(old, "2030-01-01T00:00:00Z");
    expect(timeline.cursor.value).toBe("2026-01-01T00:00:00Z");
    chunk(started().playbackRequestId, "2026-01-01T00:00:01Z");
    expect(timeline.cursor.value).toBe("2026-01-01T00:00:01Z");
  });

  it("shows LIVE in source time nothing that is dated ahead until its time comes, and all in receive time", () => {
    const delivered: [string[], string[]][] = [];
    const ids = (events: { eventId: string }[]) => events.map(({ eventId }) => eventId);
    timeline.deliver((there, all) => delivered.push([ids(there), ids(all)]));
    const both = [1, 9].map((at) => ({ eventId: `e${at}`, sourceTruthTime: second(at), canonicalTruthTime: second(1) }));
    chunk(started().playbackRequestId, second(1), { events: both });
    expect(delivered.at(-1)).toEqual([["e1"], ["e1", "e9"]]);
    expect(timeline.newest.value?.eventId).toBe("e1");
    chunk(started().playbackRequestId, second(9));
    expect(delivered.at(-1)).toEqual([["e9"], []]);
    expect(timeline.newest.value?.eventId).toBe("e9");
    timeline.chooseTimebase("canonical");
    chunk(started().playbackRequestId, second(1), { events: both });
    expect(delivered.at(-1)).toEqual([["e1", "e9"], ["e1", "e9"]]);
    timeline.deliver(() => undefined);
  });

  it("starts a new stream with a new id at every seek", () => {
    timeline.pause();
    timeline.play();
    const first = started();
    timeline.seek("2026-01-01T00:00:00Z");
    const second = started();
    expect(second.startTime).toBe("2026-01-01T00:00:00Z");
    expect(second.playbackRequestId).not.toBe(first.playbackRequestId);
  });

  it("plays backwards by a negative rate", () => {
    timeline.pause();
    timeline.chooseDirection(true);
    timeline.chooseRate(10);
    timeline.play();
    expect(started().rate).toBe(-10);
    expect(timeline.signedRate("max", false)).toBe("max");
    expect(timeline.signedRate("max", true)).toBe("-max");
  });

  it("pauses where the stream ends", () => {
    timeline.pause();
    timeline.play();
    complete("2026-01-02T00:00:00Z");
    expect(timeline.state.value).toBe("PAUSED");
    expect(timeline.cursor.value).toBe("2026-01-02T00:00:00Z");
  });

  it("takes frames together, in the server's order, and remembers the newest event", () => {
    const delivered: unknown[][] = [];
    timeline.deliver((events) => delivered.push(events));
    const id = started().playbackRequestId;
    for (const count of [1, 2, 3]) {
      const events = [{ eventId: String(count), sourceTruthTime: second(0) }];
      timeline.receive({ type: "streamChunk", playbackRequestId: id, cursor: second(count), events });
    }
    timeline.flush();
    expect(delivered).toEqual([[1, 2, 3].map((count) => ({ eventId: String(count), sourceTruthTime: second(0) }))]);
    expect(timeline.cursor.value).toBe(second(3));
    expect(timeline.newest.value?.eventId).toBe("3");
    timeline.pause();
    expect(timeline.newest.value).toBeNull();
    timeline.deliver(() => undefined);
  });

  it("says what was shed on the way to a slow browser", () => {
    expect(started().shed).toBe(true);
    const playbackRequestId = started().playbackRequestId;
    const times = { fromTime: second(1), toTime: second(2) };
    timeline.receive({ type: "gap", playbackRequestId, ...times, shed: 7, reason: "slow" });
    timeline.receive({ type: "gap", playbackRequestId: "another", ...times, shed: 7, reason: "slow" });
    timeline.flush();
    expect(behind.value).toMatchObject({ shed: 7, toTime: second(2) });
  });
});

describe("a loop", () => {
  const range = { startMs: Date.UTC(2026, 0, 1), stopMs: Date.UTC(2026, 0, 1, 0, 0, 10) };

  beforeEach(() => {
    vi.useFakeTimers();
    timeline.pause();
    timeline.chooseDirection(false);
    timeline.seek(second(5));
    select(range);
    timeline.chooseLoop(true);
    sent.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("ends the replay at the selection's end, and begins again at its start", () => {
    timeline.play();
    expect(started()).toMatchObject({ startTime: second(5) });
    expect(Date.parse(started().stopTime ?? "")).toBe(range.stopMs);
    complete(second(10));
    expect(timeline.state.value).toBe("PLAYING");
    vi.advanceTimersByTime(1000);
    expect(Date.parse(started().startTime ?? "")).toBe(range.startMs);
    expect(sent.filter((message) => message.type === "startStream")).toHaveLength(2);
  });

  it("goes the other way round in reverse", () => {
    timeline.chooseDirection(true);
    timeline.play();
    expect(Date.parse(started().stopTime ?? "")).toBe(range.startMs);
    complete(second(0));
    vi.advanceTimersByTime(1000);
    expect(Date.parse(started().startTime ?? "")).toBe(range.stopMs);
  });

  it("stops looping when it is told to, and pausing in between ends it", () => {
    timeline.play();
    timeline.chooseLoop(false);
    expect(started().stopTime).toBeUndefined();
    timeline.chooseLoop(true);
    complete(second(10));
    timeline.pause();
    vi.advanceTimersByTime(1000);
    expect(timeline.state.value).toBe("PAUSED");
  });
});

describe("after a lost connection", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 1) });
    select(null);
    dismiss();
    timeline.timebase.value = "canonical";
    timeline.goLive();
    chunk(started().playbackRequestId, second(1), { events: [{}], lastKey: "k1" });
    chunk(started().playbackRequestId, second(2));
    sent.length = 0;
  });
  afterEach(() => {
    timeline.timebase.value = "source";
    vi.useRealTimers();
  });

  it("goes on LIVE behind the last key, also if the first attempts fail", () => {
    for (const _ of [1, 2]) {
      vi.advanceTimersByTime(5000);
      timeline.restart();
      expect(started()).toMatchObject({ timelineMode: "LIVE", afterKey: "k1" });
    }
    expect(missed.value).toBeNull();
    expect(timeline.state.value).toBe("LIVE");
  });

  it("goes on at present, and says so, where there is no key or the absence was long", () => {
    vi.advanceTimersByTime(3_600_000);
    timeline.restart();
    expect(started().afterKey).toBeUndefined();
    expect(missed.value?.fromTime).toBe("2026-01-01T01:00:00.000Z");
    dismiss();
    timeline.chooseTimebase("source");
    chunk(started().playbackRequestId, second(3), { events: [{ sourceTruthTime: second(3) }] });
    timeline.restart();
    expect(started().afterKey).toBeUndefined();
    expect(missed.value).not.toBeNull();
  });

  it("replays on from where the clock is", () => {
    timeline.pause();
    timeline.seek(second(7));
    timeline.play();
    chunk(started().playbackRequestId, second(8));
    timeline.restart();
    expect(started()).toMatchObject({ timelineMode: "REPLAY", startTime: second(8) });
    expect(missed.value).toBeNull();
  });
});
