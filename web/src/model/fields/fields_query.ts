/** The rows of a panel's fields over its span. */

import { fieldsBySeries } from "../plots/plots";
import { type TimeOptions, panelSpan } from "../panels/panel_time";
import { type FieldRef, fieldKey, seriesNameKey } from "../values/field_ref";
import type { FieldRows, FieldValue } from "./column_rows";
import { requestRows } from "./field_rows";
import { SpanQuery } from "./span_query";
import type { FieldColumn } from "./xy_points";

/** The rows of each series, by its key. */
export type SeriesRows = ReadonlyMap<string, FieldRows>;

/** Rows of one series in one reply; a panel with more says that it shows the first ones. */
export const ROWS_MAX = 20_000;

const EMPTY: readonly (FieldValue | undefined)[] = [];

/** A query of fields that follows options, which may change. */
export function fieldsQuery(options: () => { fields: readonly FieldRef[]; time: TimeOptions }): SpanQuery<SeriesRows> {
  return new SpanQuery<SeriesRows>({
    about: () => options().fields.map(fieldKey).sort().join("|"),
    span: () => {
      const span = panelSpan(options().time);
      return typeof span === "string" || options().fields.length === 0 ? undefined : span;
    },
    ask: async (span) => {
      const groups = fieldsBySeries(options().fields);
      const found = await Promise.all(groups.map(({ series, fields }) => requestRows(series, fields, span, ROWS_MAX)));
      return new Map(groups.map(({ series }, at) => [seriesNameKey(series), found[at] as FieldRows]));
    },
    isBehind: (rows) => [...rows.values()].some(({ isBehind }) => isBehind),
  });
}

/** The column of a field; without rows where the series has none. */
export function columnOf(rows: SeriesRows, { series, field }: FieldRef): FieldColumn {
  const found = rows.get(seriesNameKey(series));
  return { times: found?.times ?? [], values: found?.values.get(field) ?? EMPTY };
}

/** Until when the rows of a field are known: to the last one where the span has more, else to its end. */
export function knownUntilMs(rows: SeriesRows, { series }: FieldRef): number {
  const found = rows.get(seriesNameKey(series));
  return found?.isCut === true ? (found.times.at(-1) ?? -Infinity) : Infinity;
}

/** What is missing in the rows, in words; empty if nothing is. */
export function rowsTrouble(rows: SeriesRows): string {
  const all = [...rows.values()];
  const unknown = all.flatMap((one) => one.unknown);
  const parts = [
    ...(all.some(({ isCut }) => isCut) ? [`first ${ROWS_MAX.toLocaleString("en")} values only: zoom in`] : []),
    ...(all.some(({ isBehind }) => isBehind) ? ["the newest values are not sampled yet"] : []),
    ...(unknown.length === 0 ? [] : [`unknown: ${unknown.join(", ")}`]),
  ];
  return parts.join(" · ");
}
