import { beforeEach, describe, expect, it, vi } from "vitest";

const world = vi.hoisted(() => ({ next: undefined as string | undefined, asked: 0 }));
vi.mock("../../src/model/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    if (message.type !== "neighbour") return Promise.resolve({});
    world.asked++;
    return Promise.resolve(world.next === undefined ? {} : { time: world.next });
  },
}));

const { forgetAhead, jumpTo, skipping, tendSkip } = await import("../../src/model/skip");
const timeline = await import("../../src/model/timeline");
const { select } = await import("../../src/model/span");

const START = "2026-01-01T00:00:00Z";

describe("jumping over gaps", () => {
  beforeEach(() => {
    forgetAhead();
    select(null);
    timeline.looping.value = false;
    timeline.backwards.value = false;
    timeline.rate.value = 1;
    timeline.state.value = "PLAYING";
    timeline.seek(START);
    skipping.value = true;
    world.next = "2026-01-01T01:00:00Z";
    world.asked = 0;
  });

  it("goes just before the next event if that is far at the chosen rate", () => {
    expect(jumpTo(0, 60_000, 1, false)).toBe(59_700);
    expect(jumpTo(60_000, 0, 10, true)).toBe(3_000);
    expect(jumpTo(0, 1_500, 1, false)).toBeUndefined();
    expect(jumpTo(0, 60_000, 60, false)).toBeUndefined();
    expect(jumpTo(0, 60_000, "max", false)).toBeUndefined();
  });

  it("looks ahead once, and not again until the event is reached", async () => {
    await tendSkip();
    expect(timeline.cursor.value).toBe("2026-01-01T00:59:59.700000000Z");
    await tendSkip();
    await tendSkip();
    expect(world.asked).toBe(1);
    expect(timeline.state.value).toBe("PLAYING");
  });

  it("does not leave a loop", async () => {
    const startMs = Date.parse(START);
    select({ startMs, stopMs: startMs + 60_000 });
    timeline.looping.value = true;
    await tendSkip();
    expect(timeline.cursor.value).toBe("2026-01-01T00:01:00.000000000Z");
  });

  it("leaves the clock alone where nothing follows, nothing plays or it is not wanted", async () => {
    world.next = undefined;
    await tendSkip();
    skipping.value = false;
    world.next = "2026-01-01T01:00:00Z";
    await tendSkip();
    skipping.value = true;
    timeline.pause();
    await tendSkip();
    expect(timeline.cursor.value).toBe(START);
  });
});
