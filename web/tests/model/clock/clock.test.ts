import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StartStream } from "../../../src/api/protocol";

const sent: { type: string }[] = [];
vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    sent.push(message);
    return Promise.resolve({});
  },
}));

const clock = await import("../../../src/model/clock/clock");
const { conflation, dismissNotices, missed } = await import("../../../src/model/clock/conflation_notice");
const { setSelection } = await import("../../../src/model/timeline/span");

function started(): StartStream {
  const last = sent.filter((message) => message.type === "startStream").at(-1);
  if (last === undefined) throw new Error("nothing was started");
  return last as StartStream;
}

function chunk(id: string, cursor: string, more: { events?: unknown[]; lastKey?: string } = {}): void {
  clock.receiveFrame({ type: "streamChunk", playbackRequestId: id, cursor, events: [], ...more });
  clock.flush();
}

function complete(cursor: string): void {
  clock.receiveFrame({ type: "streamComplete", playbackRequestId: started().playbackRequestId, cursor });
  clock.flush();
}

function second(count: number): string {
  return new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();
}

describe("timeline", () => {
  beforeEach(() => {
    sent.length = 0;
    setSelection(null);
    clock.looping.value = false;
    clock.timebase.value = "source";
    dismissNotices();
    clock.goLive();
    clock.chooseRate(1);
  });

  it("is at the present as soon as it goes LIVE, before the first frame", () => {
    clock.seek(second(0));
    const before = Date.now();
    clock.goLive();
    expect(clock.cursorMs.value).toBeGreaterThanOrEqual(before);
    expect(clock.cursorMs.value).toBeLessThanOrEqual(Date.now());
  });

  it("has one state, and goes LIVE only by an explicit action", () => {
    expect(clock.state.value).toBe("LIVE");
    expect(started().timelineMode).toBe("LIVE");
    clock.pause();
    expect(clock.state.value).toBe("PAUSED");
    clock.play();
    expect(clock.state.value).toBe("PLAYING");
    expect(started().timelineMode).toBe("REPLAY");
  });

  it("drops frames of any stream but the active one", () => {
    const old = started().playbackRequestId;
    clock.seek("2026-01-01T00:00:00Z");
    clock.play();
    chunk(old, "2030-01-01T00:00:00Z");
    expect(clock.cursor.value).toBe("2026-01-01T00:00:00Z");
    chunk(started().playbackRequestId, "2026-01-01T00:00:01Z");
    expect(clock.cursor.value).toBe("2026-01-01T00:00:01Z");
  });

  it("holds back events dated ahead in LIVE source time until they are due, and none in receive time", () => {
    const delivered: [string[], string[]][] = [];
    const ids = (events: { eventId: string }[]) => events.map(({ eventId }) => eventId);
    const unsubscribe = clock.streamedEvents.subscribe((there, all) => delivered.push([ids(there), ids(all)]));
    const both = [1, 9].map((at) => ({ eventId: `e${at}`, sourceTruthTime: second(at), canonicalTruthTime: second(1) }));
    chunk(started().playbackRequestId, second(1), { events: both });
    expect(delivered.at(-1)).toEqual([["e1"], ["e1", "e9"]]);
    expect(clock.newest.value?.eventId).toBe("e1");
    chunk(started().playbackRequestId, second(9));
    expect(delivered.at(-1)).toEqual([["e9"], []]);
    expect(clock.newest.value?.eventId).toBe("e9");
    clock.chooseTimebase("canonical");
    chunk(started().playbackRequestId, second(1), { events: both });
    expect(delivered.at(-1)).toEqual([["e1", "e9"], ["e1", "e9"]]);
    unsubscribe();
  });

  it("starts a new stream with a new id at every seek", () => {
    clock.pause();
    clock.play();
    const first = started();
    clock.seek("2026-01-01T00:00:00Z");
    const second = started();
    expect(second.startTime).toBe("2026-01-01T00:00:00Z");
    expect(second.playbackRequestId).not.toBe(first.playbackRequestId);
  });

  it("continues a replay behind its last event with another rate and after a pause, but not after a seek", () => {
    clock.seek(second(0));
    clock.play();
    expect(started().afterKey).toBeUndefined();
    chunk(started().playbackRequestId, second(1), { lastKey: "k1" });
    clock.chooseRate(10);
    expect(started()).toMatchObject({ startTime: second(1), rate: 10, afterKey: "k1" });
    clock.chooseRate(60);
    expect(started()).toMatchObject({ startTime: second(1), rate: 60, afterKey: "k1" });
    chunk(started().playbackRequestId, second(2));
    clock.pause();
    clock.play();
    expect(started()).toMatchObject({ startTime: second(2), afterKey: "k1" });
    clock.chooseDirection(true);
    expect(started().afterKey).toBeUndefined();
    chunk(started().playbackRequestId, second(1), { lastKey: "k2" });
    clock.seek(second(1.5));
    expect(started().afterKey).toBeUndefined();
    chunk(started().playbackRequestId, second(0), { lastKey: "k3" });
    complete(second(0));
    clock.play();
    expect(started().afterKey).toBeUndefined();
    clock.chooseDirection(false);
  });

  it("plays backwards by a negative rate", () => {
    clock.pause();
    clock.chooseDirection(true);
    clock.chooseRate(10);
    clock.play();
    expect(started().rate).toBe(-10);
    expect(clock.signedRate("max", false)).toBe("max");
    expect(clock.signedRate("max", true)).toBe("-max");
  });

  it("pauses where the stream ends", () => {
    clock.pause();
    clock.play();
    complete("2026-01-02T00:00:00Z");
    expect(clock.state.value).toBe("PAUSED");
    expect(clock.cursor.value).toBe("2026-01-02T00:00:00Z");
  });

  it("applies frames together, in the server's order, and remembers the newest event", () => {
    const delivered: unknown[][] = [];
    const unsubscribe = clock.streamedEvents.subscribe((events) => delivered.push(events));
    const id = started().playbackRequestId;
    for (const count of [1, 2, 3]) {
      const events = [{ eventId: String(count), sourceTruthTime: second(0) }];
      clock.receiveFrame({ type: "streamChunk", playbackRequestId: id, cursor: second(count), events });
    }
    clock.flush();
    expect(delivered).toEqual([[1, 2, 3].map((count) => ({ eventId: String(count), sourceTruthTime: second(0) }))]);
    expect(clock.cursor.value).toBe(second(3));
    expect(clock.newest.value?.eventId).toBe("3");
    clock.pause();
    expect(clock.newest.value).toBeNull();
    unsubscribe();
  });

  it("reports events that were conflated for a slow browser", () => {
    expect(started().shed).toBe(true);
    const playbackRequestId = started().playbackRequestId;
    const times = { fromTime: second(1), toTime: second(2) };
    clock.receiveFrame({ type: "gap", playbackRequestId, ...times, shed: 7, reason: "slow" });
    clock.receiveFrame({ type: "gap", playbackRequestId: "another", ...times, shed: 7, reason: "slow" });
    clock.flush();
    expect(conflation.value).toMatchObject({ dropped: 7, toTime: second(2) });
  });
});

describe("a loop", () => {
  const range = { startMs: Date.UTC(2026, 0, 1), stopMs: Date.UTC(2026, 0, 1, 0, 0, 10) };

  beforeEach(() => {
    vi.useFakeTimers();
    clock.pause();
    clock.chooseDirection(false);
    clock.seek(second(5));
    setSelection(range);
    clock.chooseLoop(true);
    sent.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("ends the replay at the selection's end, and restarts at its start", () => {
    clock.play();
    expect(started()).toMatchObject({ startTime: second(5) });
    expect(Date.parse(started().stopTime ?? "")).toBe(range.stopMs);
    complete(second(10));
    expect(clock.state.value).toBe("PLAYING");
    vi.advanceTimersByTime(1000);
    expect(Date.parse(started().startTime ?? "")).toBe(range.startMs);
    expect(sent.filter((message) => message.type === "startStream")).toHaveLength(2);
  });

  it("runs from the end to the start in reverse", () => {
    clock.chooseDirection(true);
    clock.play();
    expect(Date.parse(started().stopTime ?? "")).toBe(range.startMs);
    complete(second(0));
    vi.advanceTimersByTime(1000);
    expect(Date.parse(started().startTime ?? "")).toBe(range.stopMs);
  });

  it("ends when looping is switched off or playback is paused", () => {
    clock.play();
    clock.chooseLoop(false);
    expect(started().stopTime).toBeUndefined();
    clock.chooseLoop(true);
    complete(second(10));
    clock.pause();
    vi.advanceTimersByTime(1000);
    expect(clock.state.value).toBe("PAUSED");
  });
});

describe("after a lost connection", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 1) });
    setSelection(null);
    dismissNotices();
    clock.timebase.value = "canonical";
    clock.goLive();
    chunk(started().playbackRequestId, second(1), { events: [{}], lastKey: "k1" });
    chunk(started().playbackRequestId, second(2));
    sent.length = 0;
  });
  afterEach(() => {
    clock.timebase.value = "source";
    vi.useRealTimers();
  });

  it("resumes LIVE behind the last key, also when the first attempts fail", () => {
    for (const _ of [1, 2]) {
      vi.advanceTimersByTime(5000);
      clock.restart();
      expect(started()).toMatchObject({ timelineMode: "LIVE", afterKey: "k1" });
    }
    expect(missed.value).toBeNull();
    expect(clock.state.value).toBe("LIVE");
  });

  it("resumes at the present with a notice, when there is no key or the outage was long", () => {
    vi.advanceTimersByTime(3_600_000);
    clock.restart();
    expect(started().afterKey).toBeUndefined();
    expect(missed.value).toBeNull();
    vi.advanceTimersByTime(9_000);
    clock.restart();
    expect(missed.value).toBeNull();
    vi.advanceTimersByTime(1_000);
    chunk(started().playbackRequestId, second(3_610));
    expect(missed.value).toEqual({ fromTime: "2026-01-01T01:00:00.000Z", toTime: "2026-01-01T02:00:10.000Z" });
    chunk(started().playbackRequestId, second(3_611));
    expect(missed.value?.toTime).toBe("2026-01-01T02:00:10.000Z");
    dismissNotices();
    clock.chooseTimebase("source");
    chunk(started().playbackRequestId, second(3), { events: [{ sourceTruthTime: second(3) }] });
    clock.restart();
    expect(started().afterKey).toBeUndefined();
    chunk(started().playbackRequestId, second(4));
    expect(missed.value).not.toBeNull();
  });

  it("reports nothing missed where the clock has left LIVE meanwhile", () => {
    vi.advanceTimersByTime(3_600_000);
    clock.restart();
    clock.seek(second(7));
    clock.play();
    chunk(started().playbackRequestId, second(8));
    expect(missed.value).toBeNull();
  });

  it("continues a replay from the clock's time", () => {
    clock.pause();
    clock.seek(second(7));
    clock.play();
    chunk(started().playbackRequestId, second(8));
    clock.restart();
    expect(started()).toMatchObject({ timelineMode: "REPLAY", startTime: second(8) });
    expect(missed.value).toBeNull();
  });
});
