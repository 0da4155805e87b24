/** Room around the visible span: what was asked with room can be panned, or slide, without asking again. */

import { type Span, spanLength } from "./span";

/** So much of its length is asked for on each side of a span. */
export const MARGIN_SHARE = 0.25;
const SAME_LENGTH = 0.01;

/** A span with room on both sides. */
export function withMargins(span: Span): Span {
  const room = spanLength(span) * MARGIN_SHARE;
  return { startMs: span.startMs - room, stopMs: span.stopMs + room };
}

/** Whether what was asked still serves a span: it lies inside, and is about as finely divided. */
export function stillCovers(whole: Span, span: Span): boolean {
  const finer = spanLength(whole) / (spanLength(span) * (1 + 2 * MARGIN_SHARE));
  return span.startMs >= whole.startMs && span.stopMs <= whole.stopMs && Math.abs(finer - 1) < SAME_LENGTH;
}
