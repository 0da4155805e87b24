/** The samples of an aligned plot: the same fields in the span of each lane. */

import { fieldsBySeries } from "../plots/plots";
import { type Buckets, lineColumn, middles, requestBuckets } from "../plots/sampling";
import { SpanQuery } from "../fields/span_query";
import { withMargins } from "../timeline/prefetch";
import type { Span } from "../timeline/span";
import { type FieldRef, fieldKey, seriesNameKey } from "../values/field_ref";
import type { AlignedOptions } from "./aligned_kind";
import { type AlignedLane, laneSpans } from "./aligned_lanes";

/** Of each lane, the buckets of its series by their key. */
export type LaneBuckets = readonly ReadonlyMap<string, Buckets>[];

const LANE_BUCKETS = 1_000;

/** A query of all lanes; a lane whose options give no span has no buckets. */
export function alignedQuery(options: () => AlignedOptions): SpanQuery<LaneBuckets> {
  const lanes = () => laneSpans(options().lanes ?? [], options().lengthS);
  return new SpanQuery<LaneBuckets>({
    about: () => `${(options().fields ?? []).map(fieldKey).join("|")} ${JSON.stringify(options().lanes ?? [])}`,
    // Lanes that follow the page move together; those with a time of their own change with its length only.
    span: () => {
      const all = lanes().map(({ span }) => span);
      const following = all.find((_, at) => !options().lanes?.[at]?.start);
      const span = [following, ...all].find((one) => one !== undefined && typeof one !== "string") as Span | undefined;
      return (options().fields ?? []).length === 0 ? undefined : span;
    },
    ask: () => Promise.all(lanes().map(({ span }) => (typeof span === "string" ? new Map() : laneBuckets(options().fields ?? [], withMargins(span))))),
    isBehind: (all) => all.some((lane) => [...lane.values()].some(({ isBehind }) => isBehind === true)),
  });
}

async function laneBuckets(fields: readonly FieldRef[], span: { startMs: number; stopMs: number }) {
  const groups = fieldsBySeries(fields);
  const found = await Promise.all(groups.map((group) => requestBuckets(group.series, group.fields, span, LANE_BUCKETS)));
  return new Map(groups.map(({ series }, at) => [seriesNameKey(series), found[at] as Buckets]));
}

/** The values of a bucket, by ms since the start of the lane; a mean of null breaks the line. */
export interface AlignedPoint {
  readonly ms: number;
  readonly mean: number | null;
  readonly min: number;
  readonly max: number;
}

/** A line of a field in a lane. */
export interface AlignedLine {
  readonly field: FieldRef;
  readonly lane: number;
  readonly points: readonly AlignedPoint[];
}

/** The lines of all lanes. */
export function alignedLines(fields: readonly FieldRef[], lanes: readonly AlignedLane[], starts: readonly number[], all: LaneBuckets): AlignedLine[] {
  return fields.flatMap((field) =>
    lanes.map((_, lane) => ({ field, lane, points: pointsOf(all[lane]?.get(seriesNameKey(field.series)), field.field, starts[lane] ?? 0) })),
  );
}

function pointsOf(buckets: Buckets | undefined, field: string, startMs: number): AlignedPoint[] {
  const sample = buckets?.fields.find((one) => one.field === field);
  if (buckets === undefined || sample === undefined) return [];
  const times = middles(buckets);
  return lineColumn(sample.count, sample.mean).flatMap((mean, at): AlignedPoint[] =>
    mean === undefined ? [] : [{ ms: (times[at] as number) - startMs, mean, min: sample.min[at] ?? 0, max: sample.max[at] ?? 0 }],
  );
}

/** The mean of a line at a time since its start: that of the nearest point within a hundredth of the length. */
export function lineValueAt({ points }: AlignedLine, ms: number, lengthMs: number): number | undefined {
  let nearest: number | undefined;
  let distance = lengthMs / 100;
  for (const { ms: at, mean } of points) {
    if (mean === null || Math.abs(at - ms) > distance) continue;
    [nearest, distance] = [mean, Math.abs(at - ms)];
  }
  return nearest;
}
