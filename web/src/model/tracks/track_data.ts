/** The ground track of the selected entity, else of the instance's default, over the visible span. */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { SeriesName } from "../../api/series";
import { scheduler } from "../../scheduler";
import { cursorMs, state, timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { latest } from "../entities/latest";
import { type Sampled, sampleFields } from "../plots/sampled";
import { BEHIND_INTERVAL_MS, sampledKey, sampledSeriesOf, seriesNameKey } from "../plots/sampling";
import { defaultTrack } from "../session/default_view";
import { connection } from "../session/session";
import { stillCovers, withMargins } from "../timeline/prefetch";
import { type Span, visible } from "../timeline/span";
import { entityKey, eventTime, type StoredEvent } from "../values/event";
import { toFineMs } from "../values/time";
import {
  pointBefore,
  pointOf,
  positionFieldNames,
  type PositionFields,
  positionFieldsOf,
  type Track,
  trackOf,
  type TrackPoint,
} from "./track";

const TRACK_BUCKETS = 1_536;
const PACE_MS = 250;
const LIVE_INTERVAL_MS = 2_000;

/** The series of an entity that has its position. */
export interface LocatedSeries {
  series: SeriesName;
  place: PositionFields;
}

const sampledTrack = signal<Track | null>(null);
export const trackError = signal("");

/** The series that gives the position; the last one of the same entity while values are pending. */
export const locatedSeries = signal<LocatedSeries | null>(null);

/** The visible span in whole hundredths of its length: a span that slides does not redraw at every step. */
const clip = computed(() => {
  const { startMs, stopMs } = visible.value;
  const step = (stopMs - startMs) / 100;
  return `${Math.floor(startMs / step) * step} ${Math.ceil(stopMs / step) * step}`;
});

/** The track over the visible span; null while it is pending. */
export const track = computed<Track | null>(() => {
  if (sampledTrack.value === null) return null;
  const [startMs = 0, stopMs = 0] = clip.value.split(" ").map(Number);
  const { points, left } = sampledTrack.value;
  return { points: points.filter(({ ms }) => ms >= startMs && ms <= stopMs), left };
});

/** The position at the clock: from the newest values, else from the track. */
export const currentPoint = computed<TrackPoint | undefined>(() => {
  const found = locatedSeries.value;
  if (found === null) return undefined;
  const event = [...latest.value.values()].find((one) => sampledKey(one) === seriesNameKey(found.series));
  if (event !== undefined) return pointOf(event, found.place, toFineMs(eventTime(event, timebase.value)));
  return pointBefore(track.value?.points ?? [], cursorMs.value);
});

let requestCount = 0;
let sampled: Sampled | undefined;
let askedSpan: Span = { startMs: 0, stopMs: 0 };
const pace = scheduler.slot();

/** Request the track when the span or the entity changes, and periodically in LIVE. */
export function startTrackSync(): void {
  effect(() => locate(latest.value));
  effect(() => {
    const key = locatedSeries.value === null ? "" : seriesNameKey(locatedSeries.value.series);
    void [key, timebase.value, connection.value];
    untracked(requestTrack);
  });
  effect(() => {
    const span = visible.value;
    untracked(() => stillCovers(askedSpan, span) || requestTrack());
  });
  scheduler.every(LIVE_INTERVAL_MS, requestTrack, { when: () => state.value === "LIVE", pausesWhenHidden: true });
  scheduler.every(BEHIND_INTERVAL_MS, requestTrack, { when: () => sampled?.buckets.isBehind === true, pausesWhenHidden: true });
}

function locate(events: ReadonlyMap<string, StoredEvent>): void {
  for (const event of events.values()) {
    const series = sampledSeriesOf(event);
    const place = series === undefined ? undefined : positionFieldsOf(event);
    // The field's name does not prove its unit: NMEA's `lat` has degrees and minutes in one number.
    if (series === undefined || place === undefined || pointOf(event, place, 0) === undefined) continue;
    setLocated({ series, place });
    return;
  }
  const known = untracked(() => locatedSeries.value);
  const entity = selectedEntity.value;
  const isOther = known === null || entity === null || entityKey(known.series) !== entityKey(entity);
  if (isOther || events.size > 0) setLocated(defaultTrack() ?? null);
}

/** Set the source of the track; if it is unchanged, the track and its position stay. */
function setLocated(next: LocatedSeries | null): void {
  const known = untracked(() => locatedSeries.value);
  const isSame = known === null || next === null ? known === next : seriesNameKey(known.series) === seriesNameKey(next.series);
  if (!isSame) [sampledTrack.value, locatedSeries.value] = [null, next];
}

/** Request the track soon. */
export function requestTrack(): void {
  pace.startIfIdle(PACE_MS, () => {
    refreshTrack()
      .then(() => (trackError.value = ""))
      .catch((error: Error) => (trackError.value = error.message));
  });
}

async function refreshTrack(): Promise<void> {
  const found = locatedSeries.value;
  if (found === null || connection.value !== "open") return;
  const mine = ++requestCount;
  if (!stillCovers(askedSpan, visible.value)) askedSpan = withMargins(visible.value);
  const fields = positionFieldNames(found.place);
  const next = await sampleFields(found.series, fields, visible.value, TRACK_BUCKETS, () => sampled);
  if (mine !== requestCount) return;
  sampled = next;
  sampledTrack.value = trackOf(next.buckets, found.place);
}
