/** Gap skipping: a replay jumps over long gaps to just before the next event. */

import { signal } from "@preact/signals";
import { selection } from "../timeline/span";
import { fromFineMs, toFineMs } from "../values/time";
import { backwards, cursor, looping, type Rate, rate, seek, state } from "./clock";
import { neighbour } from "./cursor_event";
import { loopEnd } from "./loop";

/** A gap that takes less time than this to play is played. */
const GAP_MIN_MS = 2_000;
/** Playback time left before the next event after a jump. */
const LEAD_MS = 300;

export const isSkippingGaps = signal(false);

let isSearching = false;
/** The nearest known event ahead, in the direction that was requested. */
let nextEvent: { ms: number; reverse: boolean } | undefined;

/** Where to jump to from a time, if the next event is far at this rate; times in ms. */
export function skipTarget(
  atMs: number,
  nextMs: number,
  factor: Rate,
  reverse: boolean,
): number | undefined {
  if (factor === "max") return undefined;
  const leftMs = (reverse ? atMs - nextMs : nextMs - atMs) / factor;
  if (leftMs < GAP_MIN_MS) return undefined;
  return reverse ? nextMs + LEAD_MS * factor : nextMs - LEAD_MS * factor;
}

/** Look ahead, and jump if there is a gap. Called periodically during playback. */
export async function skipGap(): Promise<void> {
  if (!isSkippingGaps.value || state.value !== "PLAYING" || rate.value === "max" || isSearching) return;
  const [from, reverse] = [cursor.value, backwards.value];
  isSearching = true;
  try {
    nextEvent = isNextEventValid(toFineMs(from), reverse) ? nextEvent : await findNextEvent(from, reverse);
  } finally {
    isSearching = false;
  }
  const atMs = toFineMs(cursor.value);
  if (nextEvent === undefined || state.value !== "PLAYING" || backwards.value !== reverse) return;
  const target = isNextEventValid(atMs, reverse) ? skipTarget(atMs, nextEvent.ms, rate.value, reverse) : undefined;
  if (target !== undefined) seek(fromFineMs(withinLoop(target, atMs, reverse)));
}

/** A jump does not go beyond the end of the loop. */
function withinLoop(target: number, atMs: number, reverse: boolean): number {
  const end = looping.value ? loopEnd(selection.value, atMs, reverse) : undefined;
  if (end === undefined) return target;
  return reverse ? Math.max(target, end) : Math.min(target, end);
}

/** Forget the event ahead, because the clock was moved. */
export function clearNextEvent(): void {
  nextEvent = undefined;
}

function isNextEventValid(atMs: number, reverse: boolean): boolean {
  if (nextEvent === undefined || nextEvent.reverse !== reverse) return false;
  return reverse ? nextEvent.ms < atMs : nextEvent.ms > atMs;
}

async function findNextEvent(from: string, reverse: boolean): Promise<typeof nextEvent> {
  const { time } = await neighbour(from, reverse ? "previous" : "next");
  return time == null ? undefined : { ms: toFineMs(time), reverse };
}
