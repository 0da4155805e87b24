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
