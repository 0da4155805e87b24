/** Two-way sync: the address follows the timeline, and the timeline follows an address that is opened. */

import { batch, effect, signal } from "@preact/signals";
import { backwards, cursor, goLive, looping, play, rate, seek, state, timebase } from "../clock/clock";
import { isSkippingGaps } from "../clock/gap_skip";
import { selection, spanAround, spanContains, spanLength, visible } from "../timeline/span";
import { toFineMs } from "../values/time";
import { acceptHash, flushHash, hashValues, setHash } from "./url_hash";
import { fromHashValues, type ParsedUrl, toHashValues } from "./url_state";

/** Whether clock, timebase and span are as the address says; not before the first moment is shown, and not while
 * one is being opened. What depends on them starts behind it. */
export const isMomentShown = signal(false);

/** Keep the address at the displayed moment. */
export function startUrlSync(): void {
  effect(() => {
    setHash(
      toHashValues({
        state: state.value,
        time: state.value === "LIVE" ? "" : cursor.value,
        rate: rate.value,
        backwards: backwards.value,
        timebase: timebase.value,
        visible: visible.value,
        following: spanContains(visible.value, toFineMs(cursor.value)),
        selection: selection.value,
        looping: looping.value,
        skipping: isSkippingGaps.value,
      }),
    );
  });
}

/** Open the moment that the address names; false if it names none. The caller sets `isMomentShown` when
 * the page shows it, or shows another moment because there is none. */
export function openUrl(): boolean {
  isMomentShown.value = false;
  acceptHash();
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

/** The address of the displayed moment, for sharing. */
export function shareUrl(): string {
  flushHash();
  return location.href;
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
