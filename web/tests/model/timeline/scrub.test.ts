import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const seeks: string[] = [];
vi.mock("../../../src/model/clock/clock", () => ({
  cursor: { value: "1970-01-01T01:00:00Z" },
  seek: (time: string) => seeks.push(time),
}));

const { heldMs, holdCursor, cursorLineMs, releaseCursor, seekPaced } = await import("../../../src/model/timeline/scrub");

describe("scrubbing", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    seeks.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("seeks at once, then at a bounded pace, and last to the place of release", async () => {
    for (let ms = 0; ms <= 1000; ms += 10) {
      seekPaced(ms);
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(seeks[0]).toBe("1970-01-01T00:00:00.000000000Z");
    expect(seeks.length).toBeLessThanOrEqual(22);
    expect(seeks.at(-1)).toBe("1970-01-01T00:00:01.000000000Z");
  });

  it("shows the cursor where it is held, and seeks there on release", () => {
    expect(cursorLineMs.value).toBe(3_600_000);
    for (const ms of [1000, 2000, 3000]) {
      holdCursor(ms);
      expect(cursorLineMs.value).toBe(ms);
    }
    expect(seeks).toHaveLength(1);
    releaseCursor();
    expect(seeks.at(-1)).toBe("1970-01-01T00:00:03.000000000Z");
    expect(heldMs.value).toBeUndefined();
    vi.advanceTimersByTime(1000);
    expect(seeks).toHaveLength(2);
  });
});
