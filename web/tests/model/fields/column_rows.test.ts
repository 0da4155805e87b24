import { expect, it } from "vitest";
import type { ColumnsResponse } from "../../../src/api/protocol";
import { rowsOf } from "../../../src/model/fields/column_rows";

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

const REPLY: ColumnsResponse = {
  type: "columnsResponse",
  timebase: "source",
  rows: 3,
  times: base64(new BigInt64Array([1_000_000n, 2_500_000n, 3_000_000n]).buffer),
  columns: [
    { field: "volts", kind: "number", values: base64(new Float64Array([1.5, 0, -2]).buffer), present: base64(new Uint8Array([0b101]).buffer) },
    { field: "volts", kind: "string", values: base64(new Uint32Array([0, 0, 0]).buffer), texts: ["nan"], present: base64(new Uint8Array([0b010]).buffer) },
    { field: "on", kind: "boolean", values: base64(new Uint8Array([1, 0, 1]).buffer) },
  ],
  unknownFields: ["amps"],
};

it("arrays of a reply are rows, and two columns of one field are one", () => {
  const rows = rowsOf(REPLY, ["volts", "on", "amps"]);
  expect(rows.times).toEqual([1, 2.5, 3]);
  expect(rows.values.get("volts")).toEqual([1.5, "nan", -2]);
  expect(rows.values.get("on")).toEqual([true, false, true]);
  expect(rows.unknown).toEqual(["amps"]);
  expect([rows.isCut, rows.isBehind]).toEqual([false, false]);
});

it("more rows, a lag and an unknown series are told", () => {
  const rows = rowsOf({ ...REPLY, rows: 0, times: "", columns: [], nextKey: "k", behind: true, unknownSeries: true }, ["volts"]);
  expect([rows.isCut, rows.isBehind, rows.unknown]).toEqual([true, true, ["volts"]]);
});
