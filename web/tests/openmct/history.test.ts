import { expect, it } from "vitest";
import { Catalog } from "../../openmct/src/catalog";
import { history } from "../../openmct/src/history";
import { identifierOf, POINT_TYPE, pointKey } from "../../openmct/src/identifiers";
import type { Datum, RequestOptions } from "../../openmct/src/openmct";
import { FakeEdge } from "./fake_edge";

const SERIES = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c", lane: "parsed" as const, messageType: "T" };
const OBJECT = { identifier: identifierOf(pointKey({ series: SERIES, field: "n" })), type: POINT_TYPE, name: "n", location: "ROOT" };
const [START, END] = [1_000, 9_000];

const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const columns = (nextKey?: string) => ({
  rows: 2,
  times: base64(new BigInt64Array([2_000_000_000n, 3_000_500_000n]).buffer),
  columns: [{ field: "n", kind: "number", values: base64(new Float64Array([1.5, 2.5]).buffer) }],
  nextKey,
});
const SAMPLE = { startTime: "1970-01-01T00:00:00Z", bucketNs: 2e9, fields: [{ field: "n", count: [2, 0, 1], min: [1, null, 5], max: [4, null, 5], mean: [2, null, 5] }] };

function asked(replies: object, options: Partial<RequestOptions>): [FakeEdge, Promise<Datum[]>] {
  const edge = new FakeEdge({ entities: { entities: [] }, fields: { fields: [{ field: "n", kind: "number" }] }, ...replies });
  const request = history(edge, new Catalog(edge)).request as NonNullable<ReturnType<typeof history>["request"]>;
  return [edge, request(OBJECT, { start: START, end: END, domain: "source", ...options })];
}

it("few values are single ones, at their times in whole milliseconds", async () => {
  const [edge, found] = asked({ columns: columns() }, { strategy: "minmax", size: 50 });
  expect(await found).toEqual([{ value: 1.5, source: 2_000 }, { value: 2.5, source: 3_000 }]);
  expect(edge.asked.at(-1)).toEqual(["columns", expect.objectContaining({ limit: 50, timebase: "source", startTime: "1970-01-01T00:00:01.000Z" })]);
});

it("more are the extremes of half as many stretches, none outside of the range", async () => {
  const [edge, found] = asked({ columns: columns("more"), sample: SAMPLE }, { strategy: "minmax", size: 6, domain: "canonical" });
  expect(await found).toEqual([{ value: 1, canonical: START }, { value: 4, canonical: START }, { value: 5, canonical: 5_000 }]);
  expect(edge.asked.at(-1)).toEqual(["sample", expect.objectContaining({ buckets: 3, timebase: "canonical" })]);
});

it("a plot without a width yet gets a usual number, and without a strategy all pages are read", async () => {
  const [edge, found] = asked({ columns: columns() }, { strategy: "minmax", size: 0 });
  await found;
  expect(edge.asked.at(-1)?.[1]["limit"]).toBe(1_000);
  expect(await asked({ columns: columns() }, {})[1]).toHaveLength(2);
});

it("a table of some rows gets the newest, with both times, from the oldest to the newest", async () => {
  const event = (n: number) => ({ ...SERIES, sourceTruthTime: `1970-01-01T00:00:0${n}Z`, canonicalTruthTime: "1970-01-01T00:00:09Z", payload: { n } });
  const [edge, found] = asked({ query: { events: [event(8), event(7), event(6)] } }, { size: 2, enforceSize: true });
  expect(await found).toEqual([{ value: 7, source: 7_000, canonical: 9_000 }, { value: 8, source: 8_000, canonical: 9_000 }]);
  expect(edge.asked.at(-1)).toEqual(["query", expect.objectContaining({ reverse: true, limit: 2, messageTypes: ["T"] })]);
});

it("the latest value is asked for by the end, and a field that is gone has none", async () => {
  const event = { ...SERIES, eventId: "1", sourceTruthTime: "1970-01-01T00:00:07Z", canonicalTruthTime: "1970-01-01T00:00:08Z", payload: { n: 7 } };
  const [edge, found] = asked({ latest: { events: [event] } }, { strategy: "latest", size: 1 });
  expect(await found).toEqual([{ value: 7, source: 7_000, canonical: 8_000 }]);
  expect(edge.asked.at(-1)).toEqual(["latest", expect.objectContaining({ time: "1970-01-01T00:00:09.000Z", fields: ["n"] })]);
  expect(await asked({ fields: { fields: [] } }, {})[1]).toEqual([]);
});
