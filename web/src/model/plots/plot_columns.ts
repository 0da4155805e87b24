/** Sampled buckets as the columns of a chart, and the values of a field at a time. */

import type { FieldSample } from "../../api/series";
import { type Buckets, lineColumn, middles } from "./sampling";

type NumberColumn = (number | null | undefined)[];

/** A field's values in the bucket at a time, or in the last non-empty one before it. */
export function valuesAt(
  buckets: Buckets,
  name: string,
  ms: number,
): { count: number; min: number; max: number; mean: number } | undefined {
  const field = buckets.fields.find((one) => one.field === name);
  if (field === undefined) return undefined;
  const at = Math.floor((ms - buckets.startMs) / buckets.bucketMs);
  for (let index = Math.min(at, field.count.length - 1); index >= 0; index--) {
    const [count = 0, min, max, mean] = [field.count[index], field.min[index], field.max[index], field.mean[index]];
    if (count > 0 && isNumber(min) && isNumber(max) && isNumber(mean)) return { count, min, max, mean };
  }
  return undefined;
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}

/** One table per plotted field: times, means, minima and maxima. */
export function columnsOf(buckets: Buckets, name: string): [number[], NumberColumn, NumberColumn, NumberColumn] {
  const field = buckets.fields.find((one) => one.field === name) ?? EMPTY;
  const x = middles({ ...buckets, fields: [field] });
  return [x, lineColumn(field.count, field.mean), lineColumn(field.count, field.min), lineColumn(field.count, field.max)];
}

const EMPTY: FieldSample = { field: "", count: [], min: [], max: [], mean: [] };

/** Columns without what a logarithmic axis cannot show. */
export function aboveZero([x, ...columns]: [number[], ...NumberColumn[]]): [number[], ...NumberColumn[]] {
  return [x, ...columns.map((column) => column.map((value) => (value != null && value <= 0 ? null : value)))];
}

/** Where a column has values. */
export function filledIndexes(column: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let index = 0; index < column.length; index++) if (column[index] != null) found.push(index);
  return found;
}

/** Where a column has a value between two breaks, or the only one: no line leads to it or from it. */
export function lonelyIndexes(column: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  let run: number[] = [];
  const close = () => {
    if (run.length === 1) found.push(run[0] as number);
    run = [];
  };
  for (let index = 0; index < column.length; index++) {
    if (column[index] === null) close();
    else if (column[index] !== undefined) run.push(index);
  }
  close();
  return found;
}
