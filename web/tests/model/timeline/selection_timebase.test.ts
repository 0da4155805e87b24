import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionOf } from "../session/fake_session";

const START = Date.UTC(2026, 0, 1);

interface Asked {
  reverse: boolean;
  afterKey?: string;
}

const world = vi.hoisted(() => ({ count: 0, asked: [] as unknown[] }));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: Asked) => {
      world.asked.push(message);
      const first = message.afterKey === undefined ? 0 : Number(message.afterKey);
      const numbers = Array.from({ length: Math.min(1_000, world.count - first) }, (_, at) => first + at);
      const events = (message.reverse ? numbers.map((one) => world.count - 1 - one) : numbers).map((one) => ({
        sourceTruthTime: new Date(START + one).toISOString(),
        // Received in another order than made.
        canonicalTruthTime: new Date(START + 3_600_000 + (one % 2 === 0 ? -one : one)).toISOString(),
      }));
      return { events, ...(first + 1_000 < world.count ? { nextKey: String(first + 1_000) } : {}) };
    },
  }),
);

const { selectionInTimebase } = await import("../../../src/model/timeline/selection_timebase");
const SPAN = { startMs: START, stopMs: START + 60_000 };

beforeEach(() => {
  world.asked = [];
});

describe("a selection in the other timebase", () => {
  it("has all its events, in whatever order they were received", async () => {
    world.count = 2_500;
    const { span, isExact } = await selectionInTimebase(SPAN, "source", "canonical");
    expect(isExact).toBe(true);
    expect(span?.startMs).toBeCloseTo(START + 3_600_000 - 2_498, 1);
    expect(span?.stopMs).toBeCloseTo(START + 3_600_000 + 2_499, 1);
  });

  it("is none without events, and says where it did not look at all of them", async () => {
    world.count = 0;
    expect(await selectionInTimebase(SPAN, "source", "canonical")).toEqual({ span: null, isExact: true });
    world.count = 50_000;
    expect((await selectionInTimebase(SPAN, "source", "canonical")).isExact).toBe(false);
    expect(world.asked.length).toBeLessThan(15);
  });
});
