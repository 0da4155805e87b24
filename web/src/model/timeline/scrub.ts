/** Dragging the cursor: the line follows at once, seeks are paced, the last one is always sent. */

import { computed, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cursor, seek } from "../clock/clock";
import { fromFineMs, toFineMs } from "../values/time";

const PACE_MS = 50;

/** Where the user holds the cursor, in ms; the clock does not move it meanwhile. */
export const heldMs = signal<number | undefined>(undefined);

/** Where the cursor line is: held, or at the clock's time; in ms. */
export const cursorLineMs = computed(() => heldMs.value ?? toFineMs(cursor.value));

let wantedMs: number | undefined;
const pace = scheduler.slot();

/** Seek, at once or as soon as the pace allows. */
export function seekPaced(ms: number): void {
  wantedMs = ms;
  if (!pace.isPending) seekNow();
}

/** Hold the cursor at a time. */
export function holdCursor(ms: number): void {
  heldMs.value = ms;
  seekPaced(ms);
}

/** Release the cursor; the clock seeks there at once. */
export function releaseCursor(): void {
  if (heldMs.value === undefined) return;
  pace.cancel();
  wantedMs = heldMs.value;
  seekNow();
  heldMs.value = undefined;
}

function seekNow(): void {
  if (wantedMs === undefined) return;
  const ms = wantedMs;
  wantedMs = undefined;
  pace.restart(PACE_MS, seekNow);
  seek(fromFineMs(ms));
}
