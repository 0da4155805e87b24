import { beforeEach, describe, expect, it, vi } from "vitest";

const world = vi.hoisted(() => ({ next: undefined as string | undefined, asked: 0 }));
vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    if (message.type !== "neighbour") return Promise.resolve({});
    world.asked++;
    return Promise.resolve(world.next === undefined ? {} : { time: world.next });
  },
}));

const { clearNextEvent, skipTarget, isSkippingGaps, skipGap } = await import("../../../src/model/clock/gap_skip");
const clock = await import("../../../src/model/clock/clock");
const { setSelection } = await import("../../../src/model/timeline/span");

const START = "2026-01-01T00:00:00Z";

describe("jumping over gaps", () => {
  beforeEach(() => {
    clearNextEvent();
    setSelection(null);
    clock.looping.value = false;
    clock.backwards.value = false;
    clock.rate.value = 1;
    clock.state.value = "PLAYING";
    clock.seek(START);
    isSkippingGaps.value = true;
    world.next = "2026-01-01T01:00:00Z";
    world.asked = 0;
  });

  it("jumps to just before the next event if that is far at the chosen rate", () => {
    expect(skipTarget(0, 60_000, 1, false)).toBe(59_700);
    expect(skipTarget(60_000, 0, 10, true)).toBe(3_000);
    expect(skipTarget(0, 1_500, 1, false)).toBeUndefined();
    expect(skipTarget(0, 60_000, 60, false)).toBeUndefined();
    expect(skipTarget(0, 60_000, "max", false)).toBeUndefined();
  });

  it("looks ahead once, and not again until the event is reached", async () => {
    await skipGap();
    expect(clock.cursor.value).toBe("2026-01-01T00:59:59.700000000Z");
    await skipGap();
    await skipGap();
    expect(world.asked).toBe(1);
    expect(clock.state.value).toBe("PLAYING");
  });

  it("does not leave a loop", async () => {
    const startMs = Date.parse(START);
    setSelection({ startMs, stopMs: startMs + 60_000 });
    clock.looping.value = true;
    await skipGap();
    expect(clock.cursor.value).toBe("2026-01-01T00:01:00.000000000Z");
  });

  it("does not jump when nothing follows, nothing plays or it is switched off", async () => {
    world.next = undefined;
    await skipGap();
    isSkippingGaps.value = false;
    world.next = "2026-01-01T01:00:00Z";
    await skipGap();
    isSkippingGaps.value = true;
    clock.pause();
    await skipGap();
    expect(clock.cursor.value).toBe(START);
  });
});
