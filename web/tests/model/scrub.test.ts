import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const seeks: string[] = [];
vi.mock("../../src/model/timeline", () => ({ seek: (time: string) => seeks.push(time) }));

const { scrub } = await import("../../src/model/scrub");

describe("scrubbing", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("seeks at once, then at a bounded pace, and last to where the slider was let go", async () => {
    for (let ms = 0; ms <= 1000; ms += 10) {
      scrub(ms);
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(seeks[0]).toBe("1970-01-01T00:00:00.000Z");
    expect(seeks.length).toBeLessThanOrEqual(12);
    expect(seeks.at(-1)).toBe("1970-01-01T00:00:01.000Z");
  });
});
