import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

interface Asked {
  type: string;
  filters?: { lanes?: string[] };
  receivedAfter?: string;
}

const world = vi.hoisted(() => ({ asked: [] as Asked[], all: [] as unknown[], news: [] as unknown[] }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: Asked) => {
      world.asked.push(message);
      if (message.type !== "discover") return Promise.resolve({ events: [] });
      const entities = message.receivedAfter === undefined ? world.all : world.news;
      return Promise.resolve({ type: "discoverResponse", time: "", entities });
    },
  });
});
vi.stubGlobal("document", { hidden: false, addEventListener: () => undefined });

const clock = await import("../../../src/model/clock/clock");
const { entities, refreshEntities } = await import("../../../src/model/entities/entities");
const { entityAges, seriesAge, startEntityAges } = await import("../../../src/model/entities/entity_ages");
const { status } = await import("../../../src/model/session/session");

const START = Date.UTC(2026, 0, 1);
let nowMs = START;
const KEY = "s/bus/eps/battery";

function at(second: number): string {
  return new Date(START + second * 1000).toISOString();
}

function battery(lastSecond: number, uniqueId = "battery") {
  const ids = { scopeId: "s", systemId: "bus", containerId: "eps", uniqueId };
  return { ...ids, series: [{ lane: "parsed", messageType: "Battery", lastTime: at(lastSecond) }] };
}

/** The Core has stored everything up to a second, and the clock is there. */
async function goOn(second: number): Promise<void> {
  clock.cursor.value = at(second);
  status.value = { durableTime: at(second) } as unknown as typeof status.value;
  await vi.advanceTimersByTimeAsync(1_000);
}

function news(): Asked[] {
  return world.asked.filter(({ receivedAfter }) => receivedAfter !== undefined);
}

describe("ages of what is not streamed, LIVE", () => {
  beforeEach(async () => {
    // This browser's clock goes on from one test to the next.
    vi.useFakeTimers({ now: (nowMs += 60_000) });
    clock.cursor.value = at(0);
    startEntityAges();
    world.all = world.news = [battery(0)];
    clock.goLive();
    await refreshEntities();
    await vi.advanceTimersByTimeAsync(1_000);
    world.asked.length = 0;
  });
  afterEach(() => {
    clock.pause();
    entities.value = null;
    vi.useRealTimers();
  });

  it("follow what comes in, by short listings of what is new, and grow when nothing does", async () => {
    for (let second = 1; second <= 5; second++) {
      world.news = [battery(second - 0.1)];
      await goOn(second);
      expect(entityAges.value?.get(KEY)?.ageMs, `at ${second} s`).toBe(100);
      expect(seriesAge(`${KEY} parsed Battery`).ageMs).toBe(100);
    }
    expect(new Set(world.asked.flatMap(({ filters }) => filters?.lanes ?? []))).toEqual(new Set(["parsed", "raw"]));
    expect(news().at(-1)?.receivedAfter).toBe(at(4));
    world.news = [];
    for (let second = 6; second <= 9; second++) await goOn(second);
    expect(entityAges.value?.get(KEY)?.ageMs).toBe(4_100);
    const asked = news().length;
    clock.cursor.value = at(12);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(news(), "the Core has received nothing since, which it says itself").toHaveLength(asked);
    expect(entityAges.value?.get(KEY)?.ageMs).toBe(7_100);
  });

  it("are listed less often where there are many, and of a new entity all is listed", async () => {
    world.news = Array.from({ length: 200 }, (_, index) => battery(1, `unit${index}`));
    for (let second = 1; second <= 4; second++) await goOn(second);
    expect(news(), "at most 50 entities a second").toHaveLength(1);
    expect(world.asked.filter(({ receivedAfter, filters }) => receivedAfter === undefined && filters === undefined)).toHaveLength(1);
    await goOn(6);
    expect(news()).toHaveLength(2);
  });
});
