/** What a plot draws as numbers: statistics over the visible span, and rows for copying. */

import { type Span, spanContains } from "../timeline/span";
import { type FieldRef, fieldKey, seriesNameKey } from "../values/field_ref";
import { fromFineMs } from "../values/time";
import { columnsOf } from "./plot_columns";
import type { Sampled } from "./sampled";
import { AXIS_END_MAX, type PlotSpec } from "./plot_spec";

/** Statistics of a field; of the samples in the buckets that begin in the span. */
export interface FieldStatistics {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
}

/** The fields whose lines are drawn. */
export function drawnFields({ fields, hidden = [] }: PlotSpec): FieldRef[] {
  return fields.filter((field) => !hidden.includes(fieldKey(field)));
}

/** The statistics of a field over a span; undefined if it has no values there. */
export function statisticsOf(of: FieldRef, lines: ReadonlyMap<string, Pick<Sampled, "buckets">>, span: Span): FieldStatistics | undefined {
  const buckets = lines.get(seriesNameKey(of.series))?.buckets;
  const field = buckets?.fields.find((one) => one.field === of.field);
  if (buckets === undefined || field === undefined) return undefined;
  let [count, min, max, sum, last] = [0, Infinity, -Infinity, 0, Number.NaN];
  field.count.forEach((samples, index) => {
    const mean = field.mean[index];
    if (samples === 0 || mean == null || !spanContains(span, buckets.startMs + (index + 0.5) * buckets.bucketMs)) return;
    [count, sum, last] = [count + samples, sum + samples * mean, mean];
    [min, max] = [Math.min(min, field.min[index] ?? mean), Math.max(max, field.max[index] ?? mean)];
  });
  return count === 0 ? undefined : { count, min, max, mean: sum / count, last };
}

/** What the axes of a plot cannot show of its lines, a sentence for each line; empty if they show all. */
export function axisNotes(plot: PlotSpec, unitOf: (field: FieldRef) => string, lines: ReadonlyMap<string, Pick<Sampled, "buckets">>, span: Span): string[] {
  return drawnFields(plot).flatMap((field) => {
    const found = statisticsOf(field, lines, span);
    if (found === undefined) return [];
    const axis = plot.axes?.[unitOf(field)] ?? {};
    if (axis.log === true && found.max <= 0) return [`${field.field} has no value above 0 here, and a logarithmic axis shows no other.`];
    const isHuge = Math.max(Math.abs(found.min), Math.abs(found.max)) > AXIS_END_MAX;
    if (isHuge && (axis.min === undefined || axis.max === undefined)) {
      return [`${field.field} has values beyond ${AXIS_END_MAX}, at which an axis has no ticks: set both ends of the axis (⇕).`];
    }
    return [];
  });
}

/** The drawn lines as comma-separated values: a row for each time that any of them has. */
export function csvOf(plot: PlotSpec, lines: ReadonlyMap<string, Pick<Sampled, "buckets">>, span: Span): string {
  const fields = drawnFields(plot);
  const rows = new Map<number, (number | undefined)[]>();
  fields.forEach(({ series, field }, nth) => {
    const buckets = lines.get(seriesNameKey(series))?.buckets;
    if (buckets === undefined) return;
    const [times, ...columns] = columnsOf(buckets, field);
    times.forEach((ms, index) => {
      const values = columns.map((column) => column[index]);
      if (values[0] == null || !spanContains(span, ms)) return;
      const row = rows.get(ms) ?? new Array<undefined>(3 * fields.length).fill(undefined);
      values.forEach((value, at) => (row[3 * nth + at] = value ?? undefined));
      rows.set(ms, row);
    });
  });
  const head = fields.flatMap((field) => ["mean", "min", "max"].map((what) => quoted(`${columnName(field)} ${what}`)));
  const body = [...rows].sort(([one], [other]) => one - other).map(([ms, row]) => [fromFineMs(ms), ...row.map((value) => value ?? "")].join(","));
  return `${[["time", ...head].join(","), ...body].join("\n")}\n`;
}

function columnName({ series, field }: FieldRef): string {
  return `${series.scopeId}/${series.systemId}/${series.containerId}/${series.uniqueId} ${series.viewId ?? series.messageType} ${field}`;
}

/** A text of a table; a spreadsheet must not take it for a formula. */
function quoted(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${plain.replaceAll('"', '""')}"`;
}
