import { expect, it, vi } from "vitest";

interface Asked {
  type: string;
  time?: string;
  stopTime?: string;
}

const world = vi.hoisted(() => ({
  waiting: [] as { message: Asked; answer: (reply: object) => void }[],
}));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    connection: signal("open"),
    isCoreKnown: signal(true),
    user: signal("somebody"),
    notice: signal(""),
    status: signal(null),
    defaultView: signal(null),
    role: signal("operator"),
    exportFrames: { subscribe: () => undefined },
    alarmFrames: { subscribe: () => undefined },
    recoveries: { subscribe: () => undefined },
    coreUnavailable: signal(false),
    reconnect: () => undefined,
    request: (message: Asked) =>
      new Promise((answer) => {
        world.waiting.push({ message, answer });
      }),
  };
});

// Ledgers and cards send their own requests.
vi.mock("../../../src/model/events/ledger", async () => {
  const { signal } = await import("@preact/signals");
  return {
    mergeEvents: () => [],
    Ledger: class {
      events = signal([]);
      pending = signal(false);
      olderKey = signal(null);
      start() {}
      apply() {}
    },
  };
});
vi.mock("../../../src/model/notes/notes", () => ({ startNotes: () => undefined, applyToNotes: () => undefined }));
vi.mock("../../../src/model/cards/cards_sync", () => ({ startCardsSync: () => undefined, applyToCards: () => undefined }));

vi.useFakeTimers();
vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal("history", { state: null, replaceState: () => undefined });
vi.stubGlobal("addEventListener", () => undefined);
vi.stubGlobal("innerWidth", 1_280);
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));

const { startPanelsSync } = await import("../../../src/model/layout/panels_sync");
const { inspectorSelectedOnly } = await import("../../../src/model/events/inspector");
const { fromMs } = await import("../../../src/model/values/time");
const { seek } = await import("../../../src/model/clock/clock");

function waiting(type: string): Asked[] {
  return world.waiting.filter(({ message }) => message.type === type).map(({ message }) => message);
}

async function answered(type: string, reply: object): Promise<void> {
  const index = world.waiting.findIndex(({ message }) => message.type === type);
  world.waiting.splice(index, 1)[0]?.answer(reply);
  await vi.advanceTimersByTimeAsync(0);
}

it("has one request in flight while a person scrubs, and a last one for the clock's time", async () => {
  inspectorSelectedOnly.value = false;
  seek(fromMs(0));
  startPanelsSync();
  await vi.advanceTimersByTimeAsync(0);
  for (let ms = 1; ms <= 20; ms++) seek(fromMs(ms));
  expect(waiting("discover")).toHaveLength(1);
  expect(waiting("query")).toHaveLength(1);
  await answered("discover", { entities: [] });
  await answered("query", { events: [] });
  expect(waiting("discover").map(({ time }) => time)).toEqual([fromMs(20)]);
  expect(waiting("query").map(({ stopTime }) => stopTime)).toEqual([fromMs(20)]);
});
