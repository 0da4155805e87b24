/** The address follows the timeline, and the timeline an address that is opened. */

import { batch, effect } from "@preact/signals";
import { dropHash, hashValues, putHash, writeHash } from "./hash";
import { skipping } from "./skip";
import { around, has, length, selection, visible } from "./span";
import { toFineMs } from "./time";
import { backwards, cursor, goLive, looping, play, rate, seek, state, timebase } from "./timeline";
import { fromValues, type Shared, toValues } from "./url";

/** Keep the address at the moment that is shown. */
export function keepAddress(): void {
  effect(() => {
    putHash(
      toValues({
        state: state.value,
        time: state.value === "LIVE" ? "" : cursor.value,
        rate: rate.value,
        backwards: backwards.value,
        timebase: timebase.value,
        visible: visible.value,
        following: has(visible.value, toFineMs(cursor.value)),
        selection: selection.value,
        looping: looping.value,
        skipping: skipping.value,
      }),
    );
  });
}

/** Open the moment that the address names; false if it names none. */
export function openAddress(): boolean {
  const shared = fromValues(hashValues());
  if (shared === undefined) return false;
  batch(() => take(shared));
  if (shared.state === "LIVE") goLive();
  else {
    state.value = "PAUSED";
    seek(shared.time ?? cursor.value);
    // The seek has brought the cursor into view; the link may show something else beside it.
    if (shared.visible !== undefined) visible.value = shared.visible;
    if (shared.state === "PLAYING") play();
  }
  return true;
}

/** Open another moment when a person changes the address. */
export function listenToAddress(): void {
  addEventListener("hashchange", () => {
    dropHash();
    openAddress();
  });
}

/** The address of what is shown, to be sent to someone. */
export function address(): string {
  writeHash();
  return location.href;
}

function take(shared: Shared): void {
  timebase.value = shared.timebase ?? timebase.value;
  rate.value = shared.rate ?? 1;
  backwards.value = shared.backwards ?? false;
  selection.value = shared.selection ?? null;
  looping.value = shared.looping ?? false;
  skipping.value = shared.skipping ?? false;
  if (shared.visible !== undefined) visible.value = shared.visible;
  else if (shared.lengthMs !== undefined) visible.value = around(Date.now(), shared.lengthMs, 0.92);
  else if (shared.time !== undefined) {
    visible.value = around(toFineMs(shared.time), length(visible.value), 0.5);
  }
}
