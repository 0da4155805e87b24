/** The visible span of time, and the selected range: arithmetic first, then the two signals. */

import { signal } from "@preact/signals";

/** A range of time in ms since 1970, with fractions. */
export interface Span {
  readonly startMs: number;
  readonly stopMs: number;
}

/** The narrowest span: below it, neighbouring pixels have the same time as a number. */
export const LENGTH_MIN_MS = 1;
/** The server's times are int64 nanoseconds; this is the part that a calendar can show. */
export const TIME_MIN_MS = Date.UTC(1678, 0, 1);
export const TIME_MAX_MS = Date.UTC(2262, 0, 1);
/** Position of the clock in a span that follows it, as a share of the length. */
const FOLLOW_AT = 0.92;
const FOLLOW_FROM = 0.08;
/** Margin on each side of a range that is shown as a whole. */
const MARGIN = 0.03;
const FIRST_LENGTH_MS = 15 * 60_000;

export const visible = signal<Span>(spanAround(Date.now(), FIRST_LENGTH_MS, FOLLOW_AT));
export const selection = signal<Span | null>(null);

/** How long a span is, in ms. */
export function spanLength(span: Span): number {
  return span.stopMs - span.startMs;
}

/** A span of this many ms that has a time at a share of its length. */
export function spanAround(atMs: number, lengthMs: number, share: number): Span {
  return { startMs: atMs - lengthMs * share, stopMs: atMs + lengthMs * (1 - share) };
}

/** The span with its ends in order, neither too short nor outside the possible times. */
export function clampSpan(span: Span): Span {
  const [low, high] = [Math.min(span.startMs, span.stopMs), Math.max(span.startMs, span.stopMs)];
  const lengthMs = Math.min(Math.max(high - low, LENGTH_MIN_MS), TIME_MAX_MS - TIME_MIN_MS);
  const startMs = Math.min(Math.max((low + high - lengthMs) / 2, TIME_MIN_MS), TIME_MAX_MS - lengthMs);
  return { startMs, stopMs: startMs + lengthMs };
}

/** The span made longer by a factor (below 1: shorter); the given time keeps its position. */
export function zoomSpan(span: Span, factor: number, aroundMs: number): Span {
  const lengthMs = Math.max(spanLength(span) * factor, LENGTH_MIN_MS);
  const share = (aroundMs - span.startMs) / spanLength(span);
  return clampSpan(spanAround(aroundMs, lengthMs, share));
}

/** The span moved by this many ms. */
export function panSpan(span: Span, byMs: number): Span {
  return clampSpan({ startMs: span.startMs + byMs, stopMs: span.stopMs + byMs });
}

/** A range with a small margin on both sides; a single moment becomes a minute. */
export function withMargin(startMs: number, stopMs: number): Span {
  const room = stopMs > startMs ? (stopMs - startMs) * MARGIN : 30_000;
  return clampSpan({ startMs: startMs - room, stopMs: stopMs + room });
}

/** Whether a time lies in a span. */
export function spanContains(span: Span, ms: number): boolean {
  return ms >= span.startMs && ms <= span.stopMs;
}

/**
 * The span as it follows a clock: in LIVE it slides, in a replay it turns like a page, and it does not move
 * while the clock is in its middle part.
 */
export function followSpan(span: Span, atMs: number, how: "slide" | "page", reverse: boolean): Span {
  const share = (atMs - span.startMs) / spanLength(span);
  const isInside = reverse ? share >= FOLLOW_FROM && share <= 1 : share >= 0 && share <= FOLLOW_AT;
  if (isInside) return span;
  if (how === "slide") return clampSpan(spanAround(atMs, spanLength(span), FOLLOW_AT));
  return clampSpan(spanAround(atMs, spanLength(span), reverse ? FOLLOW_AT : FOLLOW_FROM));
}

/** The pixel of a time on a strip of this width. */
export function toX(span: Span, ms: number, width: number): number {
  return ((ms - span.startMs) / spanLength(span)) * width;
}

/** The time of a pixel. */
export function atX(span: Span, x: number, width: number): number {
  return span.startMs + (x / Math.max(1, width)) * spanLength(span);
}

/** Show a span; while the clock is in it, it moves along with the clock. */
export function setVisible(span: Span): void {
  visible.value = clampSpan(span);
}

/** Select a range, or clear the selection. */
export function setSelection(range: Span | null): void {
  selection.value = range === null ? null : clampSpan(range);
}

/** Set one end of the selection; a missing other end becomes that of the span. */
export function setSelectionEnd(end: "start" | "stop", atMs: number): void {
  const { startMs, stopMs } = selection.value ?? visible.value;
  if (end === "start") setSelection({ startMs: atMs, stopMs: stopMs > atMs ? stopMs : visible.value.stopMs });
  else setSelection({ startMs: startMs < atMs ? startMs : visible.value.startMs, stopMs: atMs });
}
