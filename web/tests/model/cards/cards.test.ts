import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { CardManifest } from "../../../src/api/protocol";
import type { StreamFrame } from "../../../src/api/socket";
import type { StoredEvent } from "../../../src/model/values/event";

interface Asked {
  type: string;
  playbackRequestId?: string;
  time?: string;
  startTime?: string;
  stopTime?: string;
  timebase?: "source" | "canonical";
}

// The session is replaced by an archive of a few events.
const world = vi.hoisted(() => ({
  events: [] as StoredEvent[],
  asked: [] as Asked[],
  hold: [] as (() => void)[],
  isHeld: false,
}));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    connection: signal("open"),
    isCoreKnown: signal(true),
    recoveries: { subscribe: () => undefined },
    user: signal("ann"),
    role: signal("operator"),
    notice: signal(""),
    status: signal({ timebase: "source" }),
    reconnect: () => undefined,
    request: async (message: Asked) => {
      world.asked.push(message);
      const reply = answer(message);
      if (world.isHeld && message.type === "getUiState") await new Promise<void>((resolve) => world.hold.push(resolve));
      return reply;
    },
  };
});

vi.stubGlobal("document", { hidden: false });

const clock = await import("../../../src/model/clock/clock");
const { cards, statesPending } = await import("../../../src/model/cards/cards");
const { startCardsSync, applyToCards } = await import("../../../src/model/cards/cards_sync");
const { reportConflation } = await import("../../../src/model/clock/conflation_notice");
const { eventOrder, orderTime } = await import("../../../src/model/values/event_order");

const ENTITY = { scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" };
const MANIFEST: CardManifest = {
  ...{ manifestId: "m", manifestVersion: "1.0.0", viewId: "v", entityType: "t", title: "Pump" },
  allowedKeys: { heat: { type: "number", limits: { warningHigh: 10, criticalHigh: 20 } }, note: { type: "string" } },
};

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace("Z", "000000Z");
}

function update(second: number, data: Record<string, unknown>, received = second): StoredEvent {
  return {
    ...{ eventId: `u${second}`.padEnd(8, "0"), lane: "ui", messageType: "UiUpdate", ...ENTITY, data },
    ...{ viewId: "v", manifestId: "m", manifestVersion: "1.0.0" },
    ...{ sourceTruthTime: at(second), canonicalTruthTime: at(received) },
  };
}

function answer(message: Asked): unknown {
  const base = message.timebase ?? "source";
  const until = message.time ?? message.stopTime;
  const all = world.events
    .filter((event) => until === undefined || orderTime(eventOrder(event, base)) <= until)
    .sort((one, two) => (eventOrder(one, base) < eventOrder(two, base) ? -1 : 1));
  switch (message.type) {
    case "discover":
      return { entities: [], manifests: [MANIFEST] };
    case "query":
      return { events: all.filter(({ lane }) => lane === "ui").filter((event) => orderTime(eventOrder(event, base)) >= (message.startTime ?? "")).reverse() };
    case "getUiState":
      return { time: until ?? at(1e6), states: statesOf(all.filter(({ lane }) => lane === "ui"), base) };
    default:
      return {};
  }
}

function statesOf(updates: readonly StoredEvent[], base: "source" | "canonical"): unknown[] {
  const last = updates.at(-1);
  if (last === undefined) return [];
  const keyTimes: Record<string, string> = {};
  for (const event of updates) {
    for (const key of Object.keys(event["data"] as object)) keyTimes[key] = orderTime(eventOrder(event, base));
  }
  const state: unknown = Object.assign({}, ...updates.map((event) => event["data"] as object));
  const { viewId, manifestId, manifestVersion } = last;
  const about = { ...ENTITY, viewId, manifestId, manifestVersion };
  return [{ ...about, state, keyTimes, lastTime: orderTime(eventOrder(last, base)), lastEventId: last.eventId }];
}

function playing(): string {
  return world.asked.filter(({ type }) => type === "startStream").at(-1)?.playbackRequestId ?? "";
}

function chunk(cursor: string, ...events: StoredEvent[]): void {
  clock.receiveFrame({ type: "streamChunk", playbackRequestId: playing(), cursor, events } as StreamFrame);
  clock.flush();
}

async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** The values of the only card. */
function shown(): Record<string, unknown> {
  const card = [...cards.value.values()][0]?.value;
  if (card === undefined) return {};
  const values = Object.fromEntries([...card.cells].map(([key, { value }]) => [key, value]));
  return { ...values, title: card.manifest?.title };
}

const STORY = [
  update(1, { heat: 5, note: "a" }),
  update(2, { heat: 12 }),
  update(4, { note: "b" }),
  update(5, { heat: 15 }),
  update(6, { heat: 25 }),
  update(7, { heat: 3, note: "c" }),
  update(8, { heat: 13 }),
];

describe("the cards", () => {
  beforeAll(async () => {
    vi.useFakeTimers();
    startCardsSync();
    clock.streamedEvents.subscribe(applyToCards);
    await pass();
  });
  beforeEach(async () => {
    [world.events, world.isHeld] = [[...STORY], false];
    clock.chooseDirection(false);
    clock.seek(at(0));
    await pass(1000);
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  it("show the values as of the clock, and none before the first event", async () => {
    expect(shown()).toEqual({});
    clock.seek(at(4));
    await pass(1000);
    expect(shown()).toEqual({ heat: 12, note: "b", title: "Pump" });
    clock.seek(at(0));
    await pass(1000);
    expect(shown()).toEqual({});
  });

  it("have the same states at the same time, after playing forwards, backwards or jumping", async () => {
    const jumped: Record<string, unknown>[] = [];
    for (let second = 0; second <= 9; second++) {
      clock.seek(at(second));
      await pass(1000);
      jumped.push(shown());
    }
    expect(jumped.map(({ heat }) => heat)).toEqual([undefined, 5, 12, 12, 12, 15, 25, 3, 13, 13]);
    clock.seek(at(0));
    await pass(1000);
    clock.play();
    await pass();
    const asked = world.asked.length;
    for (let second = 1; second <= 9; second++) {
      chunk(at(second), ...STORY.filter(({ sourceTruthTime }) => sourceTruthTime === at(second)));
      await pass(10);
      expect(shown(), `forwards at ${second}`).toEqual(jumped[second]);
    }
    // Forwards no request is needed: updates are folded in the page.
    expect(world.asked.slice(asked)).toEqual([]);
    clock.chooseDirection(true);
    for (let second = 9; second >= 0; second--) {
      // Backwards, the stream sends the events that the clock has just left.
      chunk(at(second), ...STORY.filter(({ sourceTruthTime }) => sourceTruthTime === at(second)));
      await pass(1000);
      expect(shown(), `backwards at ${second}`).toEqual(jumped[second]);
    }
    clock.pause();
    await pass(1000);
    expect(shown()).toEqual(jumped[0]);
  });

  it("are exactly at a clock that moves backwards, however fast", async () => {
    clock.seek(at(9));
    clock.chooseRate(60);
    clock.chooseDirection(true);
    clock.play();
    chunk(at(9));
    await pass(300);
    const asked = world.asked.length;
    const heats: unknown[] = [];
    for (let second = 8; second >= 0; second--) {
      chunk(at(second));
      heats.push(shown()["heat"]);
    }
    expect(heats).toEqual([13, 3, 25, 15, 12, 12, 12, 5, undefined]);
    expect(world.asked.slice(asked)).toEqual([]);
    clock.chooseRate(1);
    clock.pause();
  });

  it("are read ahead before a clock begins to move backwards", async () => {
    clock.seek(at(9));
    clock.chooseRate(60);
    clock.chooseDirection(true);
    await pass(1000);
    clock.play();
    await pass(10);
    chunk(at(6));
    expect(shown()["heat"]).toBe(25);
    clock.chooseRate(1);
    clock.pause();
    clock.chooseDirection(false);
  });

  it("fold updates that were streamed before the reply onto the reply", async () => {
    world.isHeld = true;
    clock.goLive();
    await pass();
    expect(statesPending.value).toBe(true);
    world.events.push(update(11, { note: "d" }));
    chunk(at(11), update(11, { note: "d" }));
    for (const go of world.hold.splice(0)) go();
    await pass(10);
    expect(statesPending.value).toBe(false);
    expect(shown()).toMatchObject({ heat: 13, note: "d" });
    world.isHeld = false;
  });

  it("drop a reply that is older than a jump", async () => {
    world.isHeld = true;
    clock.seek(at(8));
    await pass();
    clock.seek(at(1));
    await pass();
    world.isHeld = false;
    for (const go of world.hold.splice(0)) go();
    await pass(1000);
    expect(shown()).toMatchObject({ heat: 5, note: "a" });
  });

  it("are not moved back by a late update, which sets only keys without a later value", async () => {
    clock.goLive();
    await pass(1000);
    const late = update(5.5, { heat: 1, extra: "x" }, 12);
    world.events.push(late);
    chunk(at(12), late);
    expect(shown()).toMatchObject({ heat: 13, note: "c", extra: "x" });
  });

  it("take a late update as the latest in receive time", async () => {
    clock.chooseTimebase("canonical");
    clock.goLive();
    await pass(1000);
    const late = update(5.5, { heat: 1 }, 12);
    world.events.push(late);
    chunk(at(12), late);
    expect(shown()).toMatchObject({ heat: 1 });
    clock.chooseTimebase("source");
    await pass(1000);
    expect(shown()).toMatchObject({ heat: 13 });
  });

  it("are queried again when updates were dropped", async () => {
    clock.goLive();
    await pass(1000);
    world.events.push(update(20, { note: "lost" }), update(21, { heat: 14 }));
    chunk(at(21), update(21, { heat: 14 }));
    expect(shown()).toMatchObject({ note: "c" });
    reportConflation({ type: "gap", playbackRequestId: "", fromTime: at(20), toTime: at(20), shed: 1, reason: "slow" }, 0);
    await pass(1000);
    expect(shown()).toMatchObject({ note: "lost", heat: 14 });
  });
});
