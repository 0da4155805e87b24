import { expect, it } from "vitest";
import type { KnownField } from "../../openmct/src/catalog";
import { datumOf, shownValue, valuesOf } from "../../openmct/src/point_values";
import type { StoredEvent } from "../../src/model/values/event";

const EVENT: StoredEvent = {
  ...{ eventId: "1", scopeId: "s", lane: "parsed", systemId: "a", containerId: "b", uniqueId: "c", messageType: "T" },
  ...{ sourceTruthTime: "2026-01-01T00:00:00.123456789Z", canonicalTruthTime: "2026-01-01T00:00:01Z" },
  payload: { gps: { lat: 48.5 }, on: true },
};
const plain = (field: string, kind: KnownField["kind"]): KnownField => ({ field, kind, spec: { type: "any" } });

it("a datum has the value and both times", () => {
  expect(datumOf(EVENT, plain("gps.lat", "number"))).toEqual({ value: 48.5, source: 1767225600123, canonical: 1767225601000 });
  expect(datumOf(EVENT, plain("gps.lon", "number"))).toBeUndefined();
  expect(datumOf(EVENT, plain("on", "boolean"))?.value).toBe(1);
});

it("both times are domains, and the value has what its manifest says", () => {
  const spec = { type: "number", title: "Voltage", unit: "V", minimum: 0, maximum: 20, precision: 1 } as const;
  const [source, canonical, value] = valuesOf({ field: "volts", kind: "number", spec });
  expect([source?.key, canonical?.key, source?.hints]).toEqual(["source", "canonical", { domain: 1 }]);
  expect(value).toEqual({ key: "value", name: "Voltage", format: "number", hints: { range: 1 }, unit: "V", min: 0, max: 20, formatString: "%.1f" });
});

it("enumerations and booleans are numbers with texts; other texts stay texts", () => {
  const mode: KnownField = { field: "mode", kind: "string", spec: { type: "enum", labels: { idle: "Idle", run: "Running" } } };
  expect(valuesOf(mode)[2]).toMatchObject({ format: "enum", enumerations: [{ value: 0, string: "Idle" }, { value: 1, string: "Running" }] });
  expect([shownValue("run", mode), shownValue("lost", mode)]).toEqual([1, "lost"]);
  expect(valuesOf(plain("on", "boolean"))[2]?.enumerations).toEqual([{ value: 0, string: "false" }, { value: 1, string: "true" }]);
  expect(valuesOf(plain("text", "string"))[2]?.format).toBe("string");
});
