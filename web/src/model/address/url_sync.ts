/** Two-way sync: the address follows the timeline, and the timeline follows an address that is opened. */

import { batch, effect, signal } from "@preact/signals";
import { backwards, cursor, goLive, looping, play, rate, seek, state, timebase } from "../clock/clock";
import { isSkippingGaps } from "../clock/gap_skip";
import { selection, spanAround, spanContains, spanLength, visible } from "../timeline/span";
import { toFineMs } from "../values/time";
import { linkFaults } from "./link_check";
import { acceptHash, flushHash, hashText, hashValues, setHash } from "./url_hash";
import { fromHashValues, type ParsedUrl, toHashValues, type UrlState } from "./url_state";

/** Whether clock, timebase and span are as the address says; not before the first moment is shown, and not while
 * one is being opened. What depends on them starts behind it. */
export const isMomentShown = signal(false);
/** Whether the address named the moment that the page opened on; null before that. */
export const openedByLink = signal<boolean | null>(null);
/** What of the address that was opened last cannot be read. */
export const momentFaults = signal<readonly string[]>([]);

/** At the first connection: show the moment that the address names, otherwise the present, and follow each other. */
export function openMoment(): void {
  const isShared = openUrl();
  startUrlSync();
  followUrl();
  isMomentShown.value = isShared;
  if (!isShared) goLive();
  openedByLink.value = isShared;
}

/** Keep the address at the displayed moment. */
export function startUrlSync(): void {
  effect(() => setHash(toHashValues({ ...shownMoment(), time: state.value === "LIVE" ? "" : cursor.value })));
}

/** The moment that is shown, without its time: in LIVE the address does not follow that. */
function shownMoment(): Omit<UrlState, "time"> {
  return {
    state: state.value,
    rate: rate.value,
    backwards: backwards.value,
    timebase: timebase.value,
    visible: visible.value,
    following: spanContains(visible.value, toFineMs(cursor.value)),
    selection: selection.value,
    looping: looping.value,
    skipping: isSkippingGaps.value,
  };
}

/** Open the moment that the address names; false if it names none. The caller sets `isMomentShown` when
 * the page shows it, or shows another moment because there is none. */
export function openUrl(): boolean {
  isMomentShown.value = false;
  acceptHash();
  momentFaults.value = linkFaults(hashValues());
  const shared = fromHashValues(hashValues());
  if (shared === undefined) return false;
  batch(() => applyShared(shared));
  if (shared.state === "LIVE") goLive();
  else {
    state.value = "PAUSED";
    seek(shared.time ?? cursor.value);
    // The seek has brought the cursor into view; the link may name a span without it.
    if (shared.visible !== undefined) visible.value = shared.visible;
    if (shared.state === "PLAYING") play();
  }
  return true;
}

/** Open another moment when a person changes the address. */
export function followUrl(): void {
  addEventListener("hashchange", () => {
    openUrl();
    isMomentShown.value = true;
  });
}

/** The address of the displayed moment, for sharing: from LIVE too it is the moment, where the address itself follows.
 * `others` are values of this copy alone. */
export function momentUrl(others: Readonly<Record<string, string | null>> = {}): string {
  flushHash();
  const values = hashValues();
  const frozen = state.value === "PLAYING" ? "PLAYING" : "PAUSED";
  for (const [name, value] of Object.entries({ ...toHashValues({ ...shownMoment(), state: frozen, time: cursor.value }), ...others })) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  values.sort();
  return `${location.href.split("#")[0]}#${hashText(values)}`;
}

function applyShared(shared: ParsedUrl): void {
  timebase.value = shared.timebase ?? timebase.value;
  rate.value = shared.rate ?? 1;
  backwards.value = shared.backwards ?? false;
  selection.value = shared.selection ?? null;
  looping.value = shared.looping ?? false;
  isSkippingGaps.value = shared.skipping ?? false;
  if (shared.visible !== undefined) visible.value = shared.visible;
  else if (shared.lengthMs !== undefined) visible.value = spanAround(Date.now(), shared.lengthMs, 0.92);
  else if (shared.time !== undefined) {
    visible.value = spanAround(toFineMs(shared.time), spanLength(visible.value), 0.5);
  }
}
