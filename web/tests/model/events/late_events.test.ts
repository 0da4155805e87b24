import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Query } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

const world = vi.hoisted(() => ({ asked: [] as Query[], events: [] as unknown[] }));

vi.mock("../../../src/model/session/session", () => sessionOf({ request }));

const { findLate, lateIn, READ_MAX_EVENTS } = await import("../../../src/model/events/late_events");

const KNOWN = at(100);
const SPAN = { startMs: Date.parse(at(0)), stopMs: Date.parse(at(60)) };

interface Made {
  eventId: string;
  sourceTruthTime: string;
  canonicalTruthTime: string;
}

/** A time of so many seconds. */
function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
}

function made(happened: number, received: number): Made {
  return { eventId: `${happened}-${received}`, sourceTruthTime: at(happened), canonicalTruthTime: at(received) };
}

/** Pages of an archive, by the time of the query; a key is a number of events. */
function request(query: Query): Promise<unknown> {
  world.asked.push(query);
  const time = (event: Made) => Date.parse(query.timebase === "canonical" ? event.canonicalTruthTime : event.sourceTruthTime);
  const isIn = (event: Made) => {
    // The nanosecond behind a time, where received events begin, is no millisecond.
    const isBehind = query.timebase === "canonical" ? time(event) > Date.parse(query.startTime ?? "") : time(event) >= Date.parse(query.startTime ?? "");
    return isBehind && time(event) <= Date.parse(query.stopTime ?? at(1e6));
  };
  const found = (world.events as Made[]).filter(isIn).sort((one, two) => time(one) - time(two));
  const first = Number(query.afterKey ?? 0);
  const last = first + (query.limit ?? 0);
  return Promise.resolve({ events: found.slice(first, last), ...(last < found.length ? { nextKey: String(last) } : {}) });
}

beforeEach(() => {
  world.asked = [];
});

describe("late events", () => {
  it("are those that had happened and were received since, of all times where they can be read", async () => {
    world.events = [made(10, 11), made(20, 101), made(70, 102), made(101, 103), made(30, 100)];
    const found = await findLate(KNOWN, SPAN);
    expect(found).toMatchObject({ span: null, isWhole: true });
    expect(found.events.map(({ eventId }) => eventId)).toEqual(["20-101", "70-102"]);
    expect(lateIn(found, SPAN).map(({ eventId }) => eventId)).toEqual(["20-101"]);
    expect(world.asked).toHaveLength(1);
  });

  it("are read of the span alone where too many were received since", async () => {
    const present = Array.from({ length: READ_MAX_EVENTS + 1 }, (_, count) => made(200 + count, 200 + count));
    world.events = [made(10, 11), ...present, made(20, 99_999)];
    const found = await findLate(KNOWN, SPAN);
    expect(found).toMatchObject({ span: SPAN, isWhole: true });
    expect(found.events.map(({ eventId }) => eventId)).toEqual(["20-99999"]);
  });

  it("are at least as many as were found where both are too many", async () => {
    const known = Array.from({ length: READ_MAX_EVENTS + 1 }, (_, count) => made(10 + count / 1e3, 20));
    const present = Array.from({ length: READ_MAX_EVENTS + 1 }, (_, count) => made(200 + count, 200 + count));
    world.events = [...known, made(20, 101), ...present, made(20, 99_999)];
    const found = await findLate(KNOWN, SPAN);
    expect(found).toMatchObject({ span: SPAN, isWhole: false });
    expect(found.events.map(({ eventId }) => eventId)).toEqual(["20-101"]);
    expect(world.asked.reduce((sum, { limit }) => sum + (limit ?? 0), 0)).toBe(2 * READ_MAX_EVENTS);
  });

  it("are looked for behind those that were found before", async () => {
    world.events = [made(20, 101), made(110, 102)];
    const before = await findLate(KNOWN, SPAN);
    world.events.push(made(30, 103));
    const found = await findLate(KNOWN, SPAN, before);
    expect(found.events.map(({ eventId }) => eventId)).toEqual(["20-101", "30-103"]);
    expect(Date.parse(world.asked[1]?.startTime ?? "")).toBe(Date.parse(at(102)));
    await findLate(KNOWN, SPAN, found);
    expect(Date.parse(world.asked[2]?.startTime ?? "")).toBe(Date.parse(at(103)));
  });

  it("are read of the span alone once too many were received since", async () => {
    world.events = Array.from({ length: READ_MAX_EVENTS + 1 }, (_, count) => made(200 + count, 200 + count));
    const before = await findLate(KNOWN, SPAN);
    world.events.push(made(20, 99_999));
    world.asked = [];
    const found = await findLate(KNOWN, SPAN, before);
    expect(found.events.map(({ eventId }) => eventId)).toEqual(["20-99999"]);
    expect(world.asked.map(({ timebase }) => timebase)).toEqual(["source"]);
  });

  it("before a time before the span are none", async () => {
    const present = Array.from({ length: READ_MAX_EVENTS + 1 }, (_, count) => made(200 + count, 200 + count));
    world.events = present;
    const found = await findLate(KNOWN, { startMs: Date.parse(at(150)), stopMs: Date.parse(at(160)) });
    expect(found).toMatchObject({ isWhole: true, events: [] });
  });
});
