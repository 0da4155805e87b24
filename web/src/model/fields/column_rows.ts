/** A reply of `columns` as rows: a time for each, and its values by field. */

import type { ColumnsResponse, ColumnValues } from "../../api/protocol";

export type FieldValue = number | string | boolean;

export interface FieldRows {
  /** Ms since 1970, ascending. */
  readonly times: readonly number[];
  /** By field: a value for each row, undefined where its event has none. */
  readonly values: ReadonlyMap<string, readonly (FieldValue | undefined)[]>;
  /** Whether the span has more rows behind these. */
  readonly isCut: boolean;
  readonly isBehind: boolean;
  /** Fields that no event of the series has. */
  readonly unknown: readonly string[];
}

const NS_PER_MS = 1e6;

/** The rows of a reply. */
export function rowsOf(reply: ColumnsResponse, fields: readonly string[]): FieldRows {
  const times = Array.from(new BigInt64Array(bytesOf(reply.times).buffer), (ns) => Number(ns) / NS_PER_MS);
  const values = new Map<string, (FieldValue | undefined)[]>();
  for (const column of reply.columns) {
    const known = values.get(column.field);
    const found = valuesOf(column, reply.rows);
    // A field with numbers and texts has two columns; a row has a value in one of them.
    values.set(column.field, known === undefined ? found : known.map((value, row) => value ?? found[row]));
  }
  return {
    times,
    values,
    isCut: reply.nextKey != null,
    isBehind: reply.behind === true,
    unknown: reply.unknownSeries === true ? fields : (reply.unknownFields ?? []),
  };
}

function valuesOf(column: ColumnValues, rows: number): (FieldValue | undefined)[] {
  const present = column.present == null ? undefined : bytesOf(column.present);
  const read = readerOf(column);
  return Array.from({ length: rows }, (_, row) =>
    present === undefined || (((present[row >> 3] as number) >> (row & 7)) & 1) === 1 ? read(row) : undefined,
  );
}

function readerOf(column: ColumnValues): (row: number) => FieldValue | undefined {
  const bytes = bytesOf(column.values);
  if (column.kind === "boolean") return (row) => bytes[row] === 1;
  if (column.kind === "number") {
    const numbers = new Float64Array(bytes.buffer);
    return (row) => numbers[row];
  }
  const places = new Uint32Array(bytes.buffer);
  return (row) => column.texts?.[places[row] as number];
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
