/** The visible span of time, and the selected range: arithmetic first, then the two signals. */

import { signal } from "@preact/signals";

/** A range of time in ms since 1970, with fractions. */
export interface Span {
  readonly startMs: number;
  readonly stopMs: number;
}

/** The narrowest span: below it numbers no longer tell neighbouring pixels apart. */
export const LENGTH_MIN_MS = 1;
/** The server's times are int64 nanoseconds; this is what of them a calendar can show. */
export const TIME_MIN_MS = Date.UTC(1678, 0, 1);
export const TIME_MAX_MS = Date.UTC(2262, 0, 1);
/** Where in the span the clock stands when the span follows it. */
const FOLLOW_AT = 0.92;
const FOLLOW_FROM = 0.08;
/** Room on each side of what is shown as a whole. */
const MARGIN = 0.03;
const FIRST_LENGTH_MS = 15 * 60_000;

export const visible = signal<Span>(spanAround(Date.now(), FIRST_LENGTH_MS, FOLLOW_AT));
export const selection = signal<Span | null>(null);

/** How long a span is, in ms. */
export function spanLength(span: Span): number {
  return span.stopMs - span.startMs;
}

/** A span of so many ms that has a time at a share of its length. */
export function spanAround(atMs: number, lengthMs: number, share: number): Span {
  return { startMs: atMs - lengthMs * share, stopMs: atMs + lengthMs * (1 - share) };
}

/** The span with its ends in order, neither too short nor outside what times can be. */
export function clampSpan(span: Span): Span {
  const [low, high] = [Math.min(span.startMs, span.stopMs), Math.max(span.startMs, span.stopMs)];
  const lengthMs = Math.min(Math.max(high - low, LENGTH_MIN_MS), TIME_MAX_MS - TIME_MIN_MS);
  const startMs = Math.min(Math.max((low + high - lengthMs) / 2, TIME_MIN_MS), TIME_MAX_MS - lengthMs);
  return { startMs, stopMs: startMs + lengthMs };
}

/** The span made longer by a factor (below 1: shorter) around a time that keeps its place. */
export function zoomSpan(span: Span, factor: number, aroundMs: number): Span {
  const lengthMs = Math.max(spanLength(span) * factor, LENGTH_MIN_MS);
  const share = (aroundMs - span.startMs) / spanLength(span);
  return clampSpan(spanAround(aroundMs, lengthMs, share));
}

/** The span moved by so many ms. */
export function panSpan(span: Span, byMs: number): Span {
  return clampSpan({ startMs: span.startMs + byMs, stopMs: span.stopMs + byMs });
}

/** A range with a little room on both sides; a single moment gets a minute. */
export function withMargin(startMs: number, stopMs: number): Span {
  const room = stopMs > startMs ? (stopMs - startMs) * MARGIN : 30_000;
  return clampSpan({ startMs: startMs - room, stopMs: stopMs + room });
}

/** Whether a time lies in a span. */
export function spanContains(span: Span, ms: number): boolean {
  return ms >= span.startMs && ms <= span.stopMs;
}

/**
 * The span as it follows a clock: LIVE it slides, in a replay it turns like a page, and it stays where
 * the clock is in its middle part.
 */
export function followSpan(span: Span, atMs: number, how: "slide" | "page", reverse: boolean): Span {
  const share = (atMs - span.startMs) / spanLength(span);
  const isInside = reverse ? share >= FOLLOW_FROM && share <= 1 : share >= 0 && share <= FOLLOW_AT;
  if (isInside) return span;
  if (how === "slide") return clampSpan(spanAround(atMs, spanLength(span), FOLLOW_AT));
  return clampSpan(spanAround(atMs, spanLength(span), reverse ? FOLLOW_AT : FOLLOW_FROM));
}

/** Where a time is on a strip of so many pixels. */
export function toX(span: Span, ms: number, width: number): number {
  return ((ms - span.startMs) / spanLength(span)) * width;
}

/** Which time a pixel is. */
export function atX(span: Span, x: number, width: number): number {
  return span.startMs + (x / Math.max(1, width)) * spanLength(span);
}

/** Show a span; while the clock is in it, it moves along with the clock. */
export function setVisible(span: Span): void {
  visible.value = clampSpan(span);
}

/** Select a range, or nothing. */
export function setSelection(range: Span | null): void {
  selection.value = range === null ? null : clampSpan(range);
}

/** Put one end of the selection at a time; where there is no other end yet it is the span's. */
export function setSelectionEnd(end: "start" | "stop", atMs: number): void {
  const { startMs, stopMs } = selection.value ?? visible.value;
  if (end === "start") setSelection({ startMs: atMs, stopMs: stopMs > atMs ? stopMs : visible.value.stopMs });
  else setSelection({ startMs: startMs < atMs ? startMs : visible.value.startMs, stopMs: atMs });
}
