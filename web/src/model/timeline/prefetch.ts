/** Prefetch margins around the visible span, so that small pans need no request. */

import { type Span, spanLength } from "./span";

/** Share of the span's length that is prefetched on each side. */
export const MARGIN_SHARE = 0.25;
const SAME_LENGTH = 0.01;

/** A span with a margin on both sides. */
export function withMargins(span: Span): Span {
  const room = spanLength(span) * MARGIN_SHARE;
  return { startMs: span.startMs - room, stopMs: span.stopMs + room };
}

/** Whether a requested span still serves a visible one: it contains it, at a similar resolution. */
export function stillCovers(whole: Span, span: Span): boolean {
  const finer = spanLength(whole) / (spanLength(span) * (1 + 2 * MARGIN_SHARE));
  return span.startMs >= whole.startMs && span.stopMs <= whole.stopMs && Math.abs(finer - 1) < SAME_LENGTH;
}
