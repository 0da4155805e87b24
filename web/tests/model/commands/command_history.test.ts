import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredEvent } from "../../../src/model/values/event";

interface Asked {
  type: string;
  stopTime?: string;
  afterKey?: string;
  timebase: "source" | "canonical";
}

// The session is replaced by an archive of a few events.
const world = vi.hoisted(() => ({ events: [] as StoredEvent[], asked: [] as Asked[], pageEvents: 1_000, fails: false }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: async (message: Asked) => {
      if (message.type !== "query") return {};
      world.asked.push(message);
      if (world.fails) throw new Error("away");
      return page(message);
    },
  });
});
vi.stubGlobal("document", { hidden: false });
vi.useFakeTimers();

const { commands, commandsOf, commandLedger, percentOf, commandText } = await import("../../../src/model/commands/command_history");
const { commandMarkersOf } = await import("../../../src/model/timeline/markers");
const { countUpTo, mergeEvents } = await import("../../../src/model/events/ledger");
const { backwards, cursor, seek, state } = await import("../../../src/model/clock/clock");

function at(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`;
}

/** The server's reply: the newest first, in pages. */
function page({ stopTime, afterKey }: Asked) {
  const upTo = world.events.filter((event) => stopTime === undefined || event.sourceTruthTime <= stopTime);
  const from = afterKey === undefined ? 0 : Number(afterKey);
  const all = [...mergeEvents([], upTo, "source")].reverse();
  const next = from + world.pageEvents;
  return { events: all.slice(from, next), ...(next < all.length ? { nextKey: String(next) } : {}) };
}

function event(second: number, messageType: string, commandId: string, body: object = {}): StoredEvent {
  const time = at(second);
  return {
    eventId: `${messageType}-${commandId}-${second}`,
    ...{ scopeId: "s", lane: "command", systemId: "x", containerId: "y", uniqueId: "z", messageType },
    ...{ sourceTruthTime: time, canonicalTruthTime: time, commandId, targetId: "z", commandType: "go" },
    ...body,
  };
}

const REQUEST = event(1, "CommandRequest", "a", { payload: { far: 2 } });
const HALF = event(2, "CommandProgress", "a", { progressPercent: 50, message: "on the way" });
const DONE = event(3, "CommandResult", "a", { status: "success", result: { metres: 2 } });
const OTHER = event(4, "CommandRequest", "b");
const FAILED = event(5, "CommandResult", "b", { status: "failure", errorMessage: "no fuel" });

describe("a command's state", () => {
  it("is sent, then running with its progress, then its result", () => {
    const states = [1, 2, 3].map((count) => commandsOf([REQUEST, HALF, DONE].slice(0, count))[0]);
    expect(states.map((one) => one?.state)).toEqual(["sent", "running", "success"]);
    expect(states.map((one) => percentOf(one as never))).toEqual([0, 50, 100]);
    expect(states.map((one) => commandText(one as never))).toEqual(["", "on the way", "metres 2"]);
  });

  it("is written when the host wrote it to its device without confirmation", () => {
    const written = event(2, "CommandProgress", "a", { progressPercent: 50, message: "written" });
    expect(commandsOf([REQUEST, written]).map((one) => one.state)).toEqual(["written"]);
    expect(commandsOf([REQUEST, written, DONE]).map((one) => one.state)).toEqual(["success"]);
  });

  it("has the newest command first, and the error of a failed one", () => {
    const found = commandsOf([REQUEST, HALF, DONE, OTHER, FAILED]);
    expect(found.map(({ commandId, state }) => [commandId, state])).toEqual([
      ["b", "failure"],
      ["a", "success"],
    ]);
    expect(commandText(found[0] as never)).toBe("no fuel");
  });

  it("keeps the first request, and prefers a device's own result to the Core's", () => {
    const again = event(6, "CommandRequest", "b", { commandType: "other" });
    const own = event(7, "CommandResult", "b", { status: "success" });
    const [one] = commandsOf([OTHER, FAILED, again, own]);
    expect(one).toMatchObject({ commandType: "go", state: "success", request: OTHER });
  });

  it("is separate for each scope, and late progress does not change a result", () => {
    const elsewhere = { ...event(4, "CommandRequest", "a"), scopeId: "t" };
    expect(commandsOf([REQUEST, elsewhere])).toHaveLength(2);
    expect(commandsOf([REQUEST, DONE, event(9, "CommandProgress", "a", { progressPercent: 70 })])[0]?.state).toBe("success");
  });

  it("is shown at the marker of its request", () => {
    const marks = commandMarkersOf([REQUEST, HALF, OTHER, FAILED], "source");
    expect(marks.map(({ text, state }) => [text, state])).toEqual([
      ["go → z: failure, no fuel", "failure"],
      ["go → z: 50 %, on the way", "running"],
    ]);
  });
});

describe("a ledger", () => {
  it("counts events up to a time in its order", () => {
    const all = mergeEvents([HALF], [REQUEST, HALF, DONE], "source");
    expect(all).toEqual([REQUEST, HALF, DONE]);
    expect([undefined, at(0), at(2), at(9)].map((time) => countUpTo(all, time, "source"))).toEqual([3, 0, 2, 3]);
  });
});

describe("the history", () => {
  commandLedger.start();

  beforeEach(async () => {
    [world.events, world.pageEvents, world.fails] = [[REQUEST, HALF, DONE, OTHER, FAILED], 1_000, false];
    backwards.value = false;
  });

  async function jump(second: number): Promise<void> {
    seek(at(second));
    await vi.advanceTimersByTimeAsync(1);
  }

  function states(): string[] {
    return commands.value.map(({ commandId, state: one }) => `${commandId} ${one}`);
  }

  it("is as of the clock, whichever way the clock got there", async () => {
    const there = new Map<number, string[]>();
    for (const second of [0, 1, 2, 3, 4, 5]) {
      await jump(second);
      there.set(second, states());
    }
    expect(there.get(0)).toEqual([]);
    expect(there.get(2)).toEqual(["a running"]);
    expect(there.get(4)).toEqual(["b sent", "a success"]);
    backwards.value = true;
    state.value = "PLAYING";
    for (const second of [5, 4, 3, 2, 1, 0]) {
      cursor.value = at(second);
      expect(states()).toEqual(there.get(second));
    }
  });

  it("adds streamed events once, also while a reply is pending", async () => {
    world.events = [REQUEST];
    seek(at(1));
    state.value = "LIVE";
    commandLedger.apply([HALF]);
    await vi.advanceTimersByTimeAsync(1);
    expect(states()).toEqual(["a running"]);
    commandLedger.apply([HALF, DONE]);
    commandLedger.apply([{ ...OTHER, lane: "metadata" }]);
    expect(states()).toEqual(["a success"]);
  });

  it("loads older pages automatically until requests are found", async () => {
    world.pageEvents = 2;
    await jump(5);
    await vi.advanceTimersByTimeAsync(1);
    expect(states()).toEqual(["b failure", "a success"]);
    expect(commandLedger.olderKey.value).toBeNull();
  });

  it("shows the error, and retries", async () => {
    world.fails = true;
    await jump(3);
    expect(commandLedger.error.value).toBe("away");
    world.fails = false;
    await vi.advanceTimersByTimeAsync(3_001);
    expect(commandLedger.error.value).toBe("");
    expect(states()).toEqual(["a success"]);
  });
});
