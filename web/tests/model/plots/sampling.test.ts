import { describe, expect, it } from "vitest";
import { columnsOf, valuesAt } from "../../../src/model/plots/plot_columns";
import { appendEvents, type Buckets, lastFilled, lineColumn, numberAt } from "../../../src/model/plots/sampling";
import type { StoredEvent } from "../../../src/model/values/event";

function event(ms: number, payload: Record<string, unknown>): StoredEvent {
  const time = new Date(ms).toISOString();
  return { lane: "parsed", sourceTruthTime: time, canonicalTruthTime: time, payload } as unknown as StoredEvent;
}

function buckets(): Buckets {
  const field = { field: "volts", count: [2, 0, 1], min: [1, null, 5], max: [3, null, 5], mean: [2, null, 5] };
  return { startMs: 0, bucketMs: 100, fields: [field] };
}

describe("sampled buckets", () => {
  it("take streamed events later than the last sampled bucket, and do not change the others", () => {
    const known = buckets();
    const until = lastFilled(known);
    expect(until).toBe(2);
    const isNew = appendEvents(known, until, [event(250, { volts: 100 }), event(310, { volts: 6 }), event(390, { volts: 8 })], "source");
    expect(isNew).toBe(true);
    expect(known.fields[0]).toMatchObject({ count: [2, 0, 1, 2], min: [1, null, 5, 6], max: [3, null, 5, 8], mean: [2, null, 5, 7] });
  });

  it("are bounded, and ignore values that are not numbers", () => {
    const known = buckets();
    expect(appendEvents(known, 2, [event(1e12, { volts: 1 }), event(350, { volts: "1" }), event(350, {})], "source")).toBe(false);
    expect(known.fields[0]?.count).toHaveLength(3);
  });

  it("are drawn as a line over empty buckets, broken when a field was silent for long", () => {
    const count = [1, 0, 1, 0, 1, ...new Array<number>(20).fill(0), 1];
    const column = lineColumn(count, count.map((one) => (one > 0 ? 7 : null)));
    expect(column.slice(0, 5)).toEqual([7, undefined, 7, undefined, 7]);
    expect(column.slice(5, 25), "a chart breaks only what is null").toEqual(new Array(20).fill(null));
    expect(column[25]).toBe(7);
  });

  it("become columns with the times of the buckets' middles", () => {
    expect(columnsOf(buckets(), "volts")).toEqual([[50, 150, 250], [2, undefined, 5], [1, undefined, 5], [3, undefined, 5]]);
    expect(columnsOf(buckets(), "amps")).toEqual([[], [], [], []]);
  });

  it("give the value at a time, or the last one before it", () => {
    expect(valuesAt(buckets(), "volts", 199)).toEqual({ count: 2, min: 1, max: 3, mean: 2 });
    expect(valuesAt(buckets(), "volts", 9_999)?.mean).toBe(5);
    expect(valuesAt(buckets(), "volts", -1)).toBeUndefined();
  });
});

describe("a field of an event", () => {
  it("is found by its path, and is a number or undefined", () => {
    expect(numberAt(event(0, { gps: { lat: 1.5 } }), "gps.lat")).toBe(1.5);
    expect(numberAt(event(0, { gps: { lat: "x" } }), "gps.lat")).toBeUndefined();
    expect(numberAt(event(0, {}), "gps.lat")).toBeUndefined();
  });
});
