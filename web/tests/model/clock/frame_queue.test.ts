import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamFrame } from "../../../src/api/socket";
import { FrameQueue } from "../../../src/model/clock/frame_queue";

let paints: (() => void)[] = [];
let applied: (readonly StreamFrame[])[] = [];
const page = { hidden: false };

function chunk(cursor: string, events = 1): StreamFrame {
  const list = Array.from({ length: events }, () => ({}));
  return { type: "streamChunk", playbackRequestId: "a", cursor, events: list };
}

function paint(): void {
  const due = paints;
  paints = [];
  for (const one of due) one();
}

function cursors(): string[] {
  return applied.flat().map((frame) => (frame.type === "streamChunk" ? frame.cursor : frame.type));
}

describe("frames of the stream", () => {
  let frames: FrameQueue;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("document", page);
    vi.stubGlobal("requestAnimationFrame", (paint: () => void) => paints.push(paint));
    paints = [];
    applied = [];
    page.hidden = false;
    frames = new FrameQueue((found) => applied.push(found));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("are applied together, in order, once per animation frame", () => {
    for (let count = 0; count < 500; count++) frames.push(chunk(String(count)));
    expect(applied).toEqual([]);
    expect(paints).toHaveLength(1);
    paint();
    expect(applied).toHaveLength(1);
    expect(cursors()).toEqual(Array.from({ length: 500 }, (_, count) => String(count)));
  });

  it("are bounded while they wait, and none is dropped", () => {
    for (let count = 0; count < 100; count++) frames.push(chunk(String(count), 1000));
    expect(applied.length).toBe(5);
    frames.flush();
    expect(cursors()).toHaveLength(100);
  });

  it("are applied by a timer on a hidden page, also if it hides while they wait", () => {
    page.hidden = true;
    frames.push(chunk("1"));
    expect(paints).toEqual([]);
    vi.advanceTimersByTime(250);
    expect(cursors()).toEqual(["1"]);
    page.hidden = false;
    frames.push(chunk("2"));
    page.hidden = true;
    vi.advanceTimersByTime(250);
    expect(cursors()).toEqual(["1", "2"]);
    paint();
    expect(applied).toHaveLength(2);
  });
});
