import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: () => Promise.resolve({}),
}));

const gesture = await import("../../../src/model/timeline/gesture");
const { extent, timelineWidth } = await import("../../../src/model/timeline/timeline_data");
const { heldMs } = await import("../../../src/model/timeline/scrub");
const { selection, setSelection, setVisible, visible } = await import("../../../src/model/timeline/span");
const clock = await import("../../../src/model/clock/clock");

const START = Date.UTC(2026, 0, 1);
const WIDE = { startMs: START, stopMs: START + 1_000_000 };

function pointer(x: number, more: Partial<import("../../../src/model/timeline/gesture").Pointer> = {}) {
  return { id: 1, x, shift: false, touch: false, onAxis: false, ...more };
}

function cursorMs(): number {
  return Date.parse(clock.cursor.value.slice(0, 23) + "Z");
}

describe("on the timeline", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    timelineWidth.value = 1000;
    setVisible(WIDE);
    setSelection(null);
    extent.value = { startMs: START - 1e6, stopMs: START + 1e6, events: 1, timebase: "source" };
    clock.seek(new Date(START + 500_000).toISOString());
  });
  afterEach(() => {
    vi.runAllTimers();
    vi.useRealTimers();
  });

  it("a click seeks, once it cannot become a double click", () => {
    gesture.pointerDown(pointer(100));
    gesture.pointerUp(pointer(100));
    expect(heldMs.value).toBe(START + 100_000);
    expect(cursorMs()).toBe(START + 500_000);
    vi.advanceTimersByTime(300);
    expect(cursorMs()).toBe(START + 100_000);
    expect(heldMs.value).toBeUndefined();
  });

  it("a double click shows the whole archive, and does not change the clock or its state", () => {
    clock.goLive();
    for (const _ of [1, 2]) {
      gesture.pointerDown(pointer(100));
      gesture.pointerUp(pointer(100));
    }
    gesture.doubleClick();
    vi.advanceTimersByTime(1000);
    expect(clock.state.value).toBe("LIVE");
    expect(visible.value.startMs).toBeLessThan(START - 1e6);
    expect(visible.value.stopMs).toBeGreaterThan(START + 1e6);
  });

  it("a drag pans, and does not move the clock", () => {
    gesture.pointerDown(pointer(100));
    gesture.pointerMove(pointer(200));
    gesture.pointerUp(pointer(200));
    vi.advanceTimersByTime(1000);
    expect(visible.value.startMs).toBe(START - 100_000);
    expect(cursorMs()).toBe(START + 500_000);
  });

  it("a drag with Shift selects, in either direction, and a click with Shift clears the selection", () => {
    gesture.pointerDown(pointer(300, { shift: true }));
    gesture.pointerMove(pointer(200, { shift: true }));
    gesture.pointerUp(pointer(200, { shift: true }));
    expect(selection.value).toEqual({ startMs: START + 200_000, stopMs: START + 300_000 });
    gesture.pointerDown(pointer(200, { shift: true }));
    gesture.pointerUp(pointer(200, { shift: true }));
    expect(selection.value).toBeNull();
  });

  it("dragging the cursor or the axis scrubs: the line follows at once, the clock ends at the release", () => {
    gesture.pointerDown(pointer(503));
    for (let x = 503; x <= 700; x++) {
      gesture.pointerMove(pointer(x));
      expect(heldMs.value).toBeCloseTo(START + x * 1000, 3);
    }
    gesture.pointerUp(pointer(700));
    expect(cursorMs()).toBe(START + 700_000);
    gesture.pointerDown(pointer(10, { onAxis: true }));
    expect(cursorMs()).toBe(START + 700_000);
    gesture.pointerUp(pointer(10));
    expect(cursorMs()).toBe(START + 10_000);
    expect(visible.value).toEqual(WIDE);
  });

  it("the wheel zooms around the pointer; horizontally and with Shift it pans", () => {
    gesture.wheel(250, 0, -400, false);
    expect(gesture.timeAt(250)).toBeCloseTo(START + 250_000, 3);
    expect(visible.value.stopMs - visible.value.startMs).toBeLessThan(600_000);
    setVisible(WIDE);
    gesture.wheel(250, 0, 100, true);
    expect(visible.value.startMs).toBe(START + 100_000);
  });

  it("two fingers zoom and pan", () => {
    gesture.pointerDown(pointer(400, { id: 1, touch: true }));
    gesture.pointerDown(pointer(600, { id: 2, touch: true }));
    gesture.pointerMove(pointer(300, { id: 1, touch: true }));
    gesture.pointerMove(pointer(700, { id: 2, touch: true }));
    expect(visible.value.stopMs - visible.value.startMs).toBeCloseTo(500_000, 3);
    expect(gesture.timeAt(500)).toBeCloseTo(START + 500_000, 3);
    gesture.pointerUp(pointer(300, { id: 1 }));
    gesture.pointerUp(pointer(700, { id: 2 }));
    vi.advanceTimersByTime(1000);
    expect(cursorMs()).toBe(START + 500_000);
  });
});
