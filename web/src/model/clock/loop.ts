/** Looping a selection: where a replay begins anew, and where it has to end. */

import type { Span } from "../timeline/span";

/** Times that went through a text differ by less than this. */
const EXACT_MS = 0.001;

/** Where to begin instead of at the clock's time: the selection's other end, once its end is reached. */
export function loopStart(range: Span | null, atMs: number, reverse: boolean): number | undefined {
  if (range === null) return undefined;
  const [first, last] = reverse ? [range.stopMs, range.startMs] : [range.startMs, range.stopMs];
  const isOver = reverse ? atMs <= last + EXACT_MS : atMs >= last - EXACT_MS;
  return isOver ? first : undefined;
}

/** Where the replay ends; undefined if nothing is looped. */
export function loopEnd(range: Span | null, atMs: number, reverse: boolean): number | undefined {
  if (range === null) return undefined;
  const end = reverse ? range.startMs : range.stopMs;
  const isAhead = reverse ? end < atMs - EXACT_MS : end > atMs + EXACT_MS;
  return isAhead ? end : undefined;
}
