/** Dragging the cursor: the line follows at once, seeks go out at a bounded pace, the last one always. */

import { computed, signal } from "@preact/signals";
import { fromFineMs, toFineMs } from "./time";
import { cursor, seek } from "./timeline";

const PACE_MS = 50;

/** Where the cursor is held, in ms; the clock must not pull it away. */
export const held = signal<number | undefined>(undefined);

/** Where the cursor line is: held, or at the clock's time; in ms. */
export const lineMs = computed(() => held.value ?? toFineMs(cursor.value));

let wantedMs: number | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Go to a time, at once or as soon as the pace allows. */
export function scrub(ms: number): void {
  wantedMs = ms;
  if (timer === undefined) go();
}

/** Hold the cursor at a time. */
export function hold(ms: number): void {
  held.value = ms;
  scrub(ms);
}

/** Let the cursor go where it is; the clock is there at once. */
export function release(): void {
  if (held.value === undefined) return;
  clearTimeout(timer);
  timer = undefined;
  wantedMs = held.value;
  go();
  held.value = undefined;
}

function go(): void {
  timer = undefined;
  if (wantedMs === undefined) return;
  const ms = wantedMs;
  wantedMs = undefined;
  timer = setTimeout(go, PACE_MS);
  seek(fromFineMs(ms));
}
