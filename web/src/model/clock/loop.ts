/** Looping a selection: the start and end of each pass. */

import type { Span } from "../timeline/span";

/** Times that were converted to text and back differ by less than this. */
const EXACT_MS = 0.001;

/** The start of the next pass, once the end is reached: the selection's other end. */
export function loopStart(range: Span | null, atMs: number, reverse: boolean): number | undefined {
  if (range === null) return undefined;
  const [first, last] = reverse ? [range.stopMs, range.startMs] : [range.startMs, range.stopMs];
  const isOver = reverse ? atMs <= last + EXACT_MS : atMs >= last - EXACT_MS;
  return isOver ? first : undefined;
}

/** The end of the replay; undefined if nothing is looped. */
export function loopEnd(range: Span | null, atMs: number, reverse: boolean): number | undefined {
  if (range === null) return undefined;
  const end = reverse ? range.startMs : range.stopMs;
  const isAhead = reverse ? end < atMs - EXACT_MS : end > atMs + EXACT_MS;
  return isAhead ? end : undefined;
}
