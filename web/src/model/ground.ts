/** What the map shows: the track of the chosen entity, or of the instance's, over the visible span, and where it is now. */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { SeriesName } from "../api/sampling";
import { trackSource } from "./default_view";
import { selected } from "./entities";
import { entityKey, type StoredEvent, timeOf } from "./event";
import { latest } from "./latest";
import { covers, roomy } from "./room";
import { askBuckets, nameKey, sampledKey, seriesOf } from "./sampling";
import { connection } from "./session";
import { type Span, visible } from "./span";
import { toFineMs } from "./time";
import { cursorMs, state, timebase, withoutAhead } from "./timeline";
import { fieldsOf, type Place, placeOf, type Point, pointBefore, pointOf, type Track, trackOf } from "./track";

const BUCKETS = 1_536;
const PACE_MS = 250;
const LIVE_INTERVAL_MS = 2_000;

/** The series of an entity that says where it is. */
export interface Located {
  series: SeriesName;
  place: Place;
}

const sampled = signal<Track | null>(null);
export const trackTrouble = signal("");

/** How the entity is known to be anywhere; the last one of the same entity while values are awaited. */
export const located = signal<Located | null>(null);

/** The visible span in whole hundredths of its length: a span that slides does not redraw at every step. */
const clip = computed(() => {
  const { startMs, stopMs } = visible.value;
  const step = (stopMs - startMs) / 100;
  return `${Math.floor(startMs / step) * step} ${Math.ceil(stopMs / step) * step}`;
});

/** The track over the visible span; null while it is awaited. */
export const track = computed<Track | null>(() => {
  if (sampled.value === null) return null;
  const [startMs = 0, stopMs = 0] = clip.value.split(" ").map(Number);
  const { points, left } = sampled.value;
  return { points: points.filter(({ ms }) => ms >= startMs && ms <= stopMs), left };
});

/** Where the entity is at the clock: by its newest values, else by its track. */
export const here = computed<Point | undefined>(() => {
  const found = located.value;
  if (found === null) return undefined;
  const event = [...latest.value.values()].find((one) => sampledKey(one) === nameKey(found.series));
  if (event !== undefined) return pointOf(event, found.place, toFineMs(timeOf(event, timebase.value)));
  return pointBefore(track.value?.points ?? [], cursorMs.value);
});

let asked = 0;
let askedSpan: Span = { startMs: 0, stopMs: 0 };
let timer: ReturnType<typeof setTimeout> | undefined;

/** Ask for the track whenever the span or the entity is another, and steadily while LIVE. */
export function keepTrack(): void {
  effect(() => locate(latest.value));
  effect(() => {
    const key = located.value === null ? "" : nameKey(located.value.series);
    void [key, timebase.value, connection.value];
    untracked(askTrack);
  });
  effect(() => {
    const span = visible.value;
    untracked(() => covers(askedSpan, span) || askTrack());
  });
  setInterval(() => state.value === "LIVE" && !document.hidden && askTrack(), LIVE_INTERVAL_MS);
}

function locate(events: ReadonlyMap<string, StoredEvent>): void {
  for (const event of events.values()) {
    const series = seriesOf(event);
    const place = series === undefined ? undefined : placeOf(event);
    // Some fields are only called so: NMEA's own `lat` counts degrees and minutes in one number.
    if (series === undefined || place === undefined || pointOf(event, place, 0) === undefined) continue;
    show({ series, place });
    return;
  }
  const known = untracked(() => located.value);
  const entity = selected.value;
  const isOther = known === null || entity === null || entityKey(known.series) !== entityKey(entity);
  if (isOther || events.size > 0) show(trackSource() ?? null);
}

/** Show where a series was; one that is shown already stays, and its place with it. */
function show(next: Located | null): void {
  const known = untracked(() => located.value);
  const isSame = known === null || next === null ? known === next : nameKey(known.series) === nameKey(next.series);
  if (!isSame) [sampled.value, located.value] = [null, next];
}

/** Ask for the track, soon. */
export function askTrack(): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    refreshTrack()
      .then(() => (trackTrouble.value = ""))
      .catch((error: Error) => (trackTrouble.value = error.message));
  }, PACE_MS);
}

async function refreshTrack(): Promise<void> {
  const found = located.value;
  if (found === null || connection.value !== "open") return;
  const mine = ++asked;
  askedSpan = roomy(visible.value);
  const buckets = await askBuckets(found.series, fieldsOf(found.place), withoutAhead(askedSpan), BUCKETS);
  if (mine === asked) sampled.value = trackOf(buckets, found.place);
}
