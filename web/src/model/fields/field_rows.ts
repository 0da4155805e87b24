/** The values of fields over a span, one row an event, from the columns of the archive. */

import type { SeriesName } from "../../api/series";
import { clampToPresent, timebase } from "../clock/clock";
import { request } from "../session/session";
import type { Span } from "../timeline/span";
import { fromFineMs } from "../values/time";
import { type FieldRows, rowsOf } from "./column_rows";

const COLUMNS_FIELDS_MAX = 64;

/** The first rows of a span, at most `limit`. */
export async function requestRows(series: SeriesName, fields: readonly string[], span: Span, limit: number): Promise<FieldRows> {
  const { startMs, stopMs } = clampToPresent(span);
  const range = { startTime: fromFineMs(startMs), stopTime: fromFineMs(stopMs), timebase: timebase.value };
  // The generated type lists the fields as a tuple.
  const names = fields.slice(0, COLUMNS_FIELDS_MAX) as [string];
  return rowsOf(await request({ type: "columns", ...range, ...series, fields: names, limit }, "columnsResponse"), fields);
}
