/** What views of fields need: their series watched, their queries running, their size. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { watchSeries } from "../model/fields/field_values";
import type { SpanQuery } from "../model/fields/span_query";
import { type FieldRef, fieldKey } from "../model/values/field_ref";

/** Keep the values of fields while the view is drawn. */
export function useWatched(fields: readonly FieldRef[]): void {
  const key = fields.map(fieldKey).join("|");
  useEffect(() => watchSeries(fields.map(({ series }) => series)), [key]);
}

/** A query that follows the options of a panel while its view is drawn. */
export function useSpanQuery<Options, T>(options: Options, make: (options: () => Options) => SpanQuery<T>): SpanQuery<T> {
  const newest = useSignal(options);
  useEffect(() => void (newest.value = options), [options]);
  const query = useMemo(() => make(() => newest.value), []);
  useEffect(() => query.start(), []);
  return query;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an element in CSS pixels, as it changes. */
export function useSize(): [RefObject<HTMLDivElement | null>, Size] {
  const element = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const watched = element.current as HTMLElement;
    const measure = () => setSize({ width: watched.clientWidth, height: watched.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [element, size];
}
