/** Dragging the slider: seeks at a bounded pace, and always to where it was let go. */

import { fromMs } from "./time";
import { seek } from "./timeline";

const PACE_MS = 100;

let wantedMs: number | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Go to a time, at once or as soon as the pace allows. */
export function scrub(ms: number): void {
  wantedMs = ms;
  if (timer === undefined) go();
}

function go(): void {
  timer = undefined;
  if (wantedMs === undefined) return;
  const ms = wantedMs;
  wantedMs = undefined;
  timer = setTimeout(go, PACE_MS);
  seek(fromMs(ms));
}
