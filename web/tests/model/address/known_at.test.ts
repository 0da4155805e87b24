import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionOf } from "../session/fake_session";

interface Made {
  eventId: string;
  sourceTruthTime: string;
  canonicalTruthTime: string;
}

/** An archive, and what the page asks of it. */
const world = vi.hoisted(() => ({ now: 60, events: [] as unknown[], asked: [] as string[], refuses: false }));

vi.useFakeTimers();
vi.setSystemTime("2026-01-31T08:05:00Z");
vi.stubGlobal("location", { hash: "", href: "" });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
vi.stubGlobal("history", { state: null, replaceState: (_: unknown, __: string, hash: string) => (location.hash = hash) });
vi.mock("../../../src/model/session/session", () => sessionOf({ request }));

const known = await import("../../../src/model/address/known_at");
const { isMomentShown, openUrl } = await import("../../../src/model/address/url_sync");
const { connection } = await import("../../../src/model/session/session");
const { goLive, pause, play, seek, state, timebase } = await import("../../../src/model/clock/clock");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { inspectorRange, hasLate } = await import("../../../src/model/events/inspector");
const { setVisible, visible } = await import("../../../src/model/timeline/span");

const ASKED_MS = 400;

/** A time of so many seconds after 08:04. */
function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 31, 8, 4, second)).toISOString();
}

function made(happened: number, received: number): Made {
  return { eventId: `${happened}-${received}`, sourceTruthTime: at(happened), canonicalTruthTime: at(received) };
}

function request(message: { type: string; startTime?: string }): Promise<object> {
  world.asked.push(message.type);
  if (world.refuses) return Promise.reject(new Error("away"));
  if (message.type === "extent") return Promise.resolve({ time: at(world.now) });
  if (message.type !== "query") return Promise.resolve({});
  const found = (world.events as Made[]).filter((one) => Date.parse(one.canonicalTruthTime) > Date.parse(message.startTime ?? ""));
  return Promise.resolve({ events: found });
}

function opened(rest: string): void {
  location.hash = `#${rest}&known=${at(6)}`;
  openUrl();
  isMomentShown.value = true;
}

/** What the chip claims; undefined where it is silent. */
function claimed(): string | undefined {
  const found = known.lateInView.value;
  if (found === undefined || known.isLateUnknown.value) return undefined;
  return `${found.events.length} late, asked ${known.lateAskedAt.value}`;
}

const rested = () => vi.advanceTimersByTimeAsync(ASKED_MS);

known.startKnownAt();

beforeEach(async () => {
  [world.now, world.events, world.asked, world.refuses] = [6, [], [], false];
  selectedEntity.value = null;
  opened(`t=${at(-60)}&state=paused&tb=source&from=${at(-600)}&to=${at(5)}`);
  await rested();
});

describe("what a link says of late data", () => {
  it("is silent from a seek on until it is answered, and counts what was received since", async () => {
    expect(claimed()).toBe(`0 late, asked ${at(6)}`);
    [world.now, world.events] = [20, [made(-30, 13), made(-31, 13), made(-32, 13), made(12, 14)]];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(claimed()).toBe(`0 late, asked ${at(6)}`);
    seek(at(-30));
    expect(claimed()).toBeUndefined();
    await rested();
    expect(claimed()).toBe(`3 late, asked ${at(20)}`);
  });

  const MOVES: Readonly<Record<string, () => void>> = {
    "a move of the span": () => setVisible({ startMs: visible.value.startMs - 5_000, stopMs: visible.value.stopMs }),
    "another entity": () => (selectedEntity.value = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery" }),
    "another connection": () => ([connection.value, connection.value] = ["lost", "open"]),
  };

  it.each(Object.keys(MOVES))("is asked again with %s", async (name) => {
    [world.now, world.events] = [20, [made(-30, 13)]];
    MOVES[name]?.();
    expect(claimed()).toBeUndefined();
    await rested();
    expect(claimed()).toBe(`1 late, asked ${at(20)}`);
  });

  it("is asked once for moves that follow one another, and not while the page rests", async () => {
    world.asked = [];
    for (let count = 0; count < 20; count++) seek(at(-count));
    await rested();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.asked.filter((type) => type === "extent")).toHaveLength(1);
  });

  it("is asked now and then while a replay goes on", async () => {
    play();
    await rested();
    [world.now, world.events] = [20, [made(-30, 13)]];
    await vi.advanceTimersByTimeAsync(6_000);
    expect(claimed()).toBe(`1 late, asked ${at(20)}`);
    pause();
    await rested();
  });

  it("is not said by an answer from before a move", async () => {
    seek(at(-40));
    await vi.advanceTimersByTimeAsync(299);
    world.now = 7;
    vi.advanceTimersByTime(1);
    seek(at(-41));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(claimed()).toBeUndefined();
    await rested();
    expect(claimed()).toBe(`0 late, asked ${at(7)}`);
  });

  it("is asked again where there was no answer", async () => {
    world.refuses = true;
    seek(at(-42));
    await rested();
    expect(claimed()).toBeUndefined();
    world.refuses = false;
    await vi.advanceTimersByTimeAsync(3_500);
    expect(claimed()).toBe(`0 late, asked ${at(6)}`);
  });

  it("leaves the list of events with it", async () => {
    expect(hasLate.value).toBe(true);
    known.showLate();
    expect(inspectorRange.value).toBe("late");
    known.showAsKnown();
    expect([timebase.value, inspectorRange.value, hasLate.value]).toEqual(["canonical", "clock", false]);
  });
});

describe("a LIVE link", () => {
  it("loses what was known, which the address does not repeat", async () => {
    opened("state=live&tb=source");
    await vi.advanceTimersByTimeAsync(1_000);
    expect([state.value, known.knownAt.value]).toEqual(["LIVE", null]);
    expect(location.hash).not.toContain("known");
  });

  it("so does an address whose clock goes LIVE", async () => {
    goLive();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(location.hash).not.toContain("known");
    expect([known.knownAt.value, inspectorRange.value]).toEqual([null, "clock"]);
  });
});
