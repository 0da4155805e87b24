/** A field at the clock: its value, as its manifest and the Core see it. */

import type { KeySpec } from "../../api/protocol";
import type { SeriesName } from "../../api/series";
import { type Verdict, verdictOf } from "../alarms/card_alarms";
import { keySpec } from "../cards/card";
import { cards, moreStatesPending, statesPending } from "../cards/cards";
import { staleViews } from "../cards/stale_views";
import { manifestKeySpec } from "../cards/manifest_keys";
import { viewKey } from "../cards/ui_state";
import { ageBeats, seriesAge, sourceKey } from "../entities/entity_ages";
import { timebase } from "../clock/clock";
import { eventTime, fieldValue } from "../values/event";
import { ExactNumber } from "../values/exact_json";
import { orderTime } from "../values/event_order";
import type { FieldRef } from "../values/field_ref";
import { seriesNameKey } from "../values/field_ref";
import { formatValue, keyUnit, NO_VALUE } from "../values/format";
import { seriesEvents, seriesEventsPending } from "./field_values";

/** What a field is at the clock's time. */
export interface FieldReading {
  /** Undefined where there is none, or none yet. */
  readonly value: unknown;
  /** When the value was told, in the timebase of the clock. */
  readonly time: string | undefined;
  readonly spec: KeySpec;
  /** How the Core judges it; undefined if it has no limits. */
  readonly verdict: Verdict;
  /** Whether its source has been silent for longer than usual. */
  readonly isStale: boolean;
  /** Whether the reply for this moment is awaited. */
  readonly isPending: boolean;
}

/** The reading of a field. The field has to be watched. */
export function readingOf(of: FieldRef): FieldReading {
  const found = of.series.lane === "ui" ? cardReading(of) : eventReading(of);
  return { ...found, isStale: found.value !== undefined && isSourceStale(of.series) };
}

/** Whether the series of a field is stale as of the clock. */
export function isSourceStale(series: SeriesName): boolean {
  if (series.lane === "ui") return staleViews.value.has(viewKey({ ...series, viewId: series.viewId ?? "" }));
  void ageBeats.value;
  return seriesAge(sourceKey(series)).freshness === "stale";
}

function cardReading({ series, field }: FieldRef): Omit<FieldReading, "isStale"> {
  const card = cards.value.get(viewKey({ ...series, viewId: series.viewId ?? "" }))?.value;
  const isPending = card === undefined ? moreStatesPending.value : statesPending.value;
  if (card === undefined) return { value: undefined, time: undefined, spec: manifestKeySpec(undefined, field), verdict: undefined, isPending };
  const cell = card.cells.get(field);
  const verdict = cell === undefined ? undefined : verdictOf(card, field);
  const time = cell === undefined ? undefined : orderTime(cell.order);
  return { value: cell?.value, time, spec: keySpec(card, field), verdict, isPending };
}

function eventReading({ series, field }: FieldRef): Omit<FieldReading, "isStale"> {
  const event = seriesEvents.value.get(seriesNameKey(series))?.find((one) => isValue(fieldValue(one, field)));
  const isPending = seriesEventsPending.value && event === undefined;
  const time = event === undefined ? undefined : eventTime(event, timebase.value);
  return { value: event === undefined ? undefined : fieldValue(event, field), time, spec: manifestKeySpec(undefined, field), verdict: undefined, isPending };
}

/** Whether a field has a value: a number, a boolean or a text. */
function isValue(value: unknown): boolean {
  return value !== undefined && (typeof value !== "object" || value instanceof ExactNumber);
}

/** A reading as text without its unit. */
export function readingText({ value, spec, isPending }: FieldReading): string {
  return value === undefined && isPending ? "…" : formatValue(value, spec);
}

/** The unit of a reading; empty if it has none, or no value. */
export function readingUnit(reading: FieldReading, field: string): string {
  return readingText(reading) === NO_VALUE ? "" : keyUnit(field, reading.spec);
}

/** The title of a field: its manifest's, else its name. */
export function readingTitle({ spec }: FieldReading, field: string): string {
  return spec.title ?? field;
}
