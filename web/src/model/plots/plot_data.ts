/** The data of the plots: buckets of every plotted series over the visible span. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { BUCKETS_MAX } from "../../api/series";
import { scheduler } from "../../scheduler";
import { state, timebase } from "../clock/clock";
import { connection } from "../session/session";
import { MARGIN_SHARE, stillCovers, withMargins } from "../timeline/prefetch";
import { type Span, visible } from "../timeline/span";
import type { StoredEvent } from "../values/event";
import { fieldsBySeries, type PlotField, plots } from "./plots";
import { type Sampled, sampleFields } from "./sampled";
import { appendEvents, BEHIND_INTERVAL_MS, sampledKey, seriesNameKey } from "./sampling";

const PACE_MS = 150;
const LIVE_INTERVAL_MS = 1_000;
const LIVE_MAX_MS = 10_000;
const FIRST_BUCKETS = 600;

export const plotSeries = signal<ReadonlyMap<string, Sampled>>(new Map());
/** Why the last request failed; empty if it did not. */
export const plotError = signal<string>("");
/** The width of the widest plot in pixels: no more buckets than these are requested. */
export const widthPx = signal(FIRST_BUCKETS);

let requestCount = 0;
let askedSpan: Span = { startMs: 0, stopMs: 0 };
let isInFlight = false;
let isDue = false;
const pace = scheduler.slot();

/** Request data when the span, the timebase or the plots change, and periodically in LIVE. */
export function startPlotSync(): void {
  effect(() => {
    void [plots.value, timebase.value, widthPx.value, connection.value];
    untracked(requestPlotData);
  });
  effect(() => {
    const span = visible.value;
    untracked(() => stillCovers(askedSpan, span) || requestPlotData());
  });
  scheduler.every(LIVE_INTERVAL_MS, requestPlotData, { when: () => state.value === "LIVE" && isBucketOver(), pausesWhenHidden: true });
  scheduler.every(BEHIND_INTERVAL_MS, requestPlotData, { when: () => plotsBehind.value, pausesWhenHidden: true });
}

/** Whether the newest values may be missing, because the sampler had not reached them. */
export const plotsBehind = computed(() => [...plotSeries.value.values()].some(({ buckets }) => buckets.isBehind === true));

/** Whether the time of a bucket, which is a pixel at most, has passed since the last request of the finest series. */
function isBucketOver(): boolean {
  const all = [...plotSeries.value.values()];
  return all.length === 0 || all.some(({ askedMs, buckets }) => Date.now() - askedMs >= Math.min(buckets.bucketMs, LIVE_MAX_MS));
}

/** Request now, or as soon as the last reply has arrived and the pace allows it. */
export function requestPlotData(): void {
  isDue = true;
  if (isInFlight || pace.isPending) return;
  isDue = false;
  isInFlight = true;
  pace.restart(PACE_MS, () => {
    if (isDue) requestPlotData();
  });
  refreshPlotData()
    .then(() => (plotError.value = ""))
    .catch((error: Error) => (plotError.value = error.message))
    .finally(() => {
      isInFlight = false;
      if (isDue) requestPlotData();
    });
}

/** Request all plotted series over the visible span. */
async function refreshPlotData(): Promise<void> {
  const mine = ++requestCount;
  const fields = plots.value.flatMap((plot) => plot.fields);
  if (connection.value !== "open") return;
  const span = visible.value;
  if (!stillCovers(askedSpan, span)) askedSpan = withMargins(span);
  const base = timebase.value;
  const buckets = Math.min(BUCKETS_MAX, Math.max(64, Math.round(widthPx.value * (1 + 2 * MARGIN_SHARE))));
  const found = await Promise.all(
    fieldsBySeries(fields).map(async (group): Promise<[string, Sampled]> => {
      const key = seriesNameKey(group.series);
      return [key, await sampleFields(group.series, group.fields, span, buckets, () => plotSeries.value.get(key))];
    }),
  );
  if (mine === requestCount && base === timebase.value) plotSeries.value = new Map(found);
}

/** Append streamed events in LIVE. */
export function appendPlotEvents(events: readonly StoredEvent[]): void {
  if (state.value !== "LIVE" || plotSeries.value.size === 0) return;
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = sampledKey(event);
    if (!plotSeries.value.has(key)) continue;
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  let isNew = false;
  for (const [key, group] of groups) {
    const known = plotSeries.value.get(key) as Sampled;
    isNew = appendEvents(known.buckets, known.sampledUntil, group, timebase.value) || isNew;
  }
  if (isNew) plotSeries.value = new Map(plotSeries.value);
}

/** The lines of a plotted field; undefined while they are pending. */
export function plotSeriesOf(of: PlotField): Sampled | undefined {
  return plotSeries.value.get(seriesNameKey(of.series));
}
