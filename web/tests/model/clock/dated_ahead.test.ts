import { beforeEach, describe, expect, it } from "vitest";
import { DatedAheadQueue, dueInArchive, isDatedAhead } from "../../../src/model/clock/dated_ahead";
import type { StoredEvent } from "../../../src/model/values/event";

const START = Date.UTC(2026, 0, 1);

function second(count: number): string {
  return new Date(START + count * 1000).toISOString();
}

function event(eventId: string, count: number): StoredEvent {
  const ids = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "u" };
  return { eventId, lane: "ui", ...ids, sourceTruthTime: second(count), canonicalTruthTime: second(0) };
}

function ids(events: readonly StoredEvent[]): string[] {
  return events.map(({ eventId }) => eventId);
}

describe("isDatedAhead", () => {
  it("compares with now in source time, to the nanosecond; in receive time nothing is ahead", () => {
    const one = { sourceTruthTime: "2026-01-01T00:00:00.000000001Z", canonicalTruthTime: "2027-01-01T00:00:00Z" };
    expect(isDatedAhead(one, "2026-01-01T00:00:00Z", "source")).toBe(true);
    expect(isDatedAhead(one, "2026-01-01T00:00:00.000000001Z", "source")).toBe(false);
    expect(isDatedAhead(one, "2026-01-01T00:00:00Z", "canonical")).toBe(false);
  });
});

describe("events dated ahead", () => {
  let moved = 0;
  const asked = () => dueInArchive.value - moved;
  beforeEach(() => (moved = dueInArchive.value));

  it("are held until they are due, the earliest first, and released once", () => {
    const upcoming = new DatedAheadQueue();
    const streamed = [event("late", 1e9), event("b", 3), event("now", 0), event("a", 2)];
    expect(ids(upcoming.admit(streamed, second(0), "source"))).toEqual(["now"]);
    expect(upcoming.admit([], second(1), "source")).toEqual([]);
    expect(ids(upcoming.admit([event("next", 4)], second(4), "source"))).toEqual(["a", "b", "next"]);
    expect(upcoming.admit([], second(5), "source")).toEqual([]);
    expect(asked()).toBe(0);
  });

  it("are released at once in receive time", () => {
    const streamed = [event("late", 1e9), event("now", 0)];
    expect(new DatedAheadQueue().admit(streamed, second(0), "canonical")).toEqual(streamed);
  });

  it("are queried when they are due, if they are only in the archive", () => {
    const upcoming = new DatedAheadQueue();
    upcoming.expectAt(second(5));
    upcoming.expectAt(second(9));
    upcoming.admit([], second(4), "source");
    expect(asked()).toBe(0);
    upcoming.admit([], second(5), "source");
    upcoming.admit([], second(6), "source");
    expect(asked()).toBe(1);
  });

  it("are bounded: the latest are dropped, and queried when they are due", () => {
    const upcoming = new DatedAheadQueue(2);
    upcoming.admit([event("c", 3), event("a", 1), event("d", 4), event("b", 2)], second(0), "source");
    expect(ids(upcoming.admit([], second(2), "source"))).toEqual(["a", "b"]);
    expect(asked()).toBe(0);
    expect(upcoming.admit([], second(4), "source")).toEqual([]);
    expect(asked()).toBe(1);
  });

  it("are queried when they are due, if they were cleared", () => {
    const upcoming = new DatedAheadQueue();
    upcoming.admit([event("a", 1)], second(0), "source");
    upcoming.clear();
    expect(upcoming.admit([], second(1), "source")).toEqual([]);
    expect(asked()).toBe(1);
  });
});
