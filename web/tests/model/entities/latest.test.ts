import { afterEach, describe, expect, it, vi } from "vitest";

interface Asked {
  filters: { lanes?: string[] };
  known?: string[];
}

const world = vi.hoisted(() => ({ asked: [] as (string[] | undefined)[], known: [] as string[][], stored: [] as unknown[] }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: ({ filters: { lanes }, known = [] }: Asked) => {
      world.asked.push(lanes);
      world.known.push(known);
      const all = (world.stored as { lane: string; eventId: string }[]).filter(({ lane }) => lanes?.includes(lane) ?? true);
      const events = all.filter(({ eventId }) => !known.includes(eventId));
      return Promise.resolve({ type: "latestResponse", events, unchanged: all.length - events.length });
    },
  });
});

import { backwards, cursor, state, timebase } from "../../../src/model/clock/clock";
import { selectedEntity, selectEntity } from "../../../src/model/entities/entities";
import { applyLatest, changedPaths, clearLatest, continueLatest, isLate, latest, latestAgeMs, refreshLatest } from "../../../src/model/entities/latest";
import { envelopeText, type StoredEvent } from "../../../src/model/values/event";
import { unitOf } from "../../../src/model/values/units";

const GPS = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "gps" };

function event(source: number, canonical: number, latitude: number): StoredEvent {
  const text = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  const times = { sourceTruthTime: text(source), canonicalTruthTime: text(canonical) };
  const eventId = `${source} ${canonical}`;
  return { eventId, lane: "ui", messageType: "UiUpdate", viewId: "gps", ...GPS, ...times, data: { latitude, fix: "3D" } };
}

afterEach(() => {
  [state.value, timebase.value, backwards.value] = ["PAUSED", "source", false];
  [latest.value, selectedEntity.value] = [new Map(), null];
});

function shownLatitude(): unknown {
  return (latest.value.get("ui gps")?.["data"] as { latitude: number } | undefined)?.latitude;
}

describe("late data", () => {
  it.each(["source", "canonical"] as const)("never moves a live value backwards, by either clock: %s", (base) => {
    selectEntity(GPS);
    [state.value, timebase.value] = ["LIVE", base];
    applyLatest([event(10, 10, 1), event(5, 11, 2)]);
    expect(shownLatitude()).toBe(1);
    applyLatest([event(12, 12, 3)]);
    expect(shownLatitude()).toBe(3);
  });

  it("is shown in a receive-time replay when it was received", () => {
    selectEntity(GPS);
    [state.value, timebase.value] = ["PLAYING", "canonical"];
    applyLatest([event(10, 10, 1), event(5, 11, 2)]);
    expect(shownLatitude()).toBe(2);
  });

  it("is ignored in reverse, where values are queried", () => {
    selectEntity(GPS);
    [state.value, backwards.value] = ["PLAYING", true];
    applyLatest([event(10, 10, 1)]);
    expect(shownLatitude()).toBeUndefined();
  });

  it("is an event with an earlier time, not one with the same time", () => {
    state.value = "LIVE";
    expect(isLate(event(5, 11, 2), event(10, 10, 1))).toBe(true);
    expect(isLate(event(10, 11, 2), event(10, 10, 1))).toBe(false);
  });
});

describe("values that are continued", () => {
  it("keep those of lanes that are streamed, which are requested every ten seconds and after a jump", async () => {
    vi.useFakeTimers();
    selectEntity(GPS);
    state.value = "LIVE";
    const about = { ...event(1, 1, 0), lane: "metadata", messageType: "ProducerDescriptor", viewId: undefined };
    const reading = (second: number) => ({ ...event(second, second, 0), lane: "parsed", messageType: "Fix", viewId: undefined });
    world.stored = [about, event(10, 10, 1), reading(8)];
    await refreshLatest();
    world.stored = [event(12, 12, 3), reading(9)];
    await continueLatest();
    expect(world.asked.at(-1)).toEqual(["parsed", "raw"]);
    expect(world.known.at(-1), "what is shown is not sent again").toEqual([reading(8).eventId]);
    expect([...latest.value.values()].map(({ eventId }) => eventId)).toEqual([about.eventId, event(10, 10, 1).eventId, reading(9).eventId]);
    world.stored = [event(12, 12, 3)];
    vi.advanceTimersByTime(11_000);
    await continueLatest();
    expect(world.asked.at(-1)).toBeUndefined();
    expect([...latest.value.values()].map(({ lane }) => lane)).toEqual(["ui"]);
    expect(shownLatitude()).toBe(3);
    clearLatest();
    await continueLatest();
    expect(world.asked.at(-1)).toBeUndefined();
    state.value = "PLAYING";
    await continueLatest();
    expect(world.asked.at(-1)).toEqual(["parsed", "raw"]);
    backwards.value = true;
    await continueLatest();
    expect(world.asked.at(-1), "no stream continues them backwards").toBeUndefined();
    vi.useRealTimers();
  });
});

describe("values", () => {
  it("are marked when they changed, and not when first shown", () => {
    expect([...changedPaths(event(1, 1, 1), event(2, 2, 5))]).toEqual(["latitude"]);
    expect(changedPaths(undefined, event(2, 2, 5)).size).toBe(0);
    expect(changedPaths(event(2, 2, 1), event(2, 2, 5)).size).toBe(0);
  });

  it("have the unit in their name", () => {
    expect(unitOf("gps.speed_m_s")).toBe("m/s");
    expect(unitOf("voltage_v")).toBe("V");
    expect(unitOf("altitudeKm")).toBe("km");
    expect(unitOf("temperature_degC")).toBe("°C");
    expect(unitOf("planA")).toBeUndefined();
    expect(unitOf("volts")).toBeUndefined();
    expect(unitOf("v")).toBeUndefined();
  });

  it("are copied as a producer would send them", () => {
    const copied = JSON.parse(envelopeText(event(1, 2, 3))) as Record<string, unknown>;
    expect(copied["canonicalTruthTime"]).toBeUndefined();
    expect(copied["eventId"]).toBe("1 2");
  });
});

describe("the age of a value", () => {
  it("is as of the request where its lane is not streamed, so that it does not look like a silence", async () => {
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
    const parsed = { ...event(99, 99, 1), lane: "parsed" as const };
    world.stored = [event(99, 99, 1), parsed];
    selectEntity(GPS);
    [state.value, cursor.value] = ["PLAYING", at(100)];
    await refreshLatest();
    cursor.value = at(151);
    expect(latestAgeMs(parsed)).toBe(1_000);
    expect(latestAgeMs(event(99, 99, 1)), "the stream would have brought a newer one").toBe(52_000);
    expect(latestAgeMs({ ...event(101, 101, 1), lane: "parsed" }), "known since").toBe(50_000);
    cursor.value = at(99.5);
    expect(latestAgeMs(parsed), "backwards no value is of after the clock").toBe(500);
  });
});
