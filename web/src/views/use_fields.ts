/** What views of fields need: the values watched, their queries running. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { watchFields } from "../model/fields/field_values";
import type { SpanQuery } from "../model/fields/span_query";
import { type FieldRef, fieldKey } from "../model/values/field_ref";

/** Keep the values of fields while the view is drawn. */
export function useWatched(fields: readonly FieldRef[]): void {
  const key = fields.map(fieldKey).join("|");
  useEffect(() => watchFields(fields), [key]);
}

/** A query that follows the options of a panel while its view is drawn. */
export function useSpanQuery<Options, T>(options: Options, make: (options: () => Options) => SpanQuery<T>): SpanQuery<T> {
  const newest = useSignal(options);
  useEffect(() => void (newest.value = options), [options]);
  const query = useMemo(() => make(() => newest.value), []);
  useEffect(() => query.start(), []);
  return query;
}
