import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StartStream } from "../../src/api/protocol";

const sent: { type: string }[] = [];
vi.mock("../../src/model/session", () => ({
  notice: { value: "" },
  request: (message: { type: string }) => {
    sent.push(message);
    return Promise.resolve({});
  },
}));

const timeline = await import("../../src/model/timeline");

function started(): StartStream {
  const last = sent.filter((message) => message.type === "startStream").at(-1);
  if (last === undefined) throw new Error("nothing was started");
  return last as StartStream;
}

function chunk(id: string, cursor: string): void {
  timeline.receive({ type: "streamChunk", playbackRequestId: id, cursor, events: [] });
}

describe("timeline", () => {
  beforeEach(() => {
    sent.length = 0;
    timeline.goLive();
    timeline.chooseRate(1);
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
    expect(timeline.signedRate("max", true)).toBeLessThan(0);
  });

  it("pauses where the stream ends", () => {
    timeline.pause();
    timeline.play();
    const id = started().playbackRequestId;
    timeline.receive({ type: "streamComplete", playbackRequestId: id, cursor: "2026-01-02T00:00:00Z" });
    expect(timeline.state.value).toBe("PAUSED");
    expect(timeline.cursor.value).toBe("2026-01-02T00:00:00Z");
  });
});
