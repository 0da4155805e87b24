/** A moment of the timeline as values of the URL's hash, so that a link opens the same moment. */

import { type ClockState, type Rate, RATES, type Timebase } from "../clock/clock";
import type { Span } from "../timeline/span";
import { clampSpan, spanLength } from "../timeline/span";
import { fromFineMs, fromMs, parseTime, toFineMs } from "../values/time";

export interface UrlState {
  readonly state: ClockState;
  readonly time: string;
  readonly rate: Rate;
  readonly backwards: boolean;
  readonly timebase: Timebase;
  readonly visible: Span;
  readonly following: boolean;
  readonly selection: Span | null;
  readonly looping: boolean;
  readonly skipping: boolean;
}

/** The parsed values of a hash; missing and malformed values are absent. */
export interface ParsedUrl extends Partial<Omit<UrlState, "visible">> {
  readonly visible?: Span;
  /** A span that follows the clock has only a length, in ms. */
  readonly lengthMs?: number;
}

/** Spans shorter than this are written to the nanosecond. */
const FINE_MS = 1_000;

/** The values of a moment; null removes a value from the hash. */
export function toHashValues(moment: UrlState): Record<string, string | null> {
  const live = moment.state === "LIVE";
  const slides = live && moment.following;
  const [from, to] = ends(moment.visible);
  return {
    t: live ? null : moment.time,
    state: moment.state.toLowerCase(),
    rate: moment.rate === 1 ? null : String(moment.rate),
    dir: moment.backwards ? "back" : null,
    tb: moment.timebase,
    from: slides ? null : from,
    to: slides ? null : to,
    len: slides ? String(Math.round(spanLength(moment.visible))) : null,
    sel: moment.selection === null ? null : ends(moment.selection).join("~"),
    loop: moment.looping ? "1" : null,
    skip: moment.skipping ? "1" : null,
  };
}

function ends(span: Span): [string, string] {
  const text = spanLength(span) < FINE_MS ? fromFineMs : (ms: number) => fromMs(Math.round(ms));
  return [text(span.startMs), text(span.stopMs)];
}

/** Parse the values of a hash; undefined if they name no moment. */
export function fromHashValues(values: URLSearchParams): ParsedUrl | undefined {
  const time = parseTime(values.get("t") ?? values.get("at") ?? "");
  const state = stateOf(values.get("state"), time);
  if (state === undefined) return undefined;
  return defined({
    state,
    time,
    rate: rateOf(values.get("rate")),
    backwards: state !== "LIVE" && values.get("dir") === "back",
    timebase: timebaseOf(values.get("tb")),
    visible: spanOf(values.get("from"), values.get("to")),
    lengthMs: lengthOf(values.get("len")),
    selection: spanOf(...twoOf(values.get("sel"))) ?? null,
    looping: values.get("loop") === "1",
    skipping: values.get("skip") === "1",
  });
}

/** A link with a time opens paused there, unless it says that it plays. LIVE needs no time. */
function stateOf(text: string | null, time: string | undefined): ClockState | undefined {
  if (text === "live") return "LIVE";
  if (time === undefined) return undefined;
  return text === "playing" ? "PLAYING" : "PAUSED";
}

function rateOf(text: string | null): Rate {
  return RATES.find((one) => String(one) === text) ?? 1;
}

function timebaseOf(text: string | null): Timebase | undefined {
  return text === "source" || text === "canonical" ? text : undefined;
}

function lengthOf(text: string | null): number | undefined {
  const ms = Number(text ?? Number.NaN);
  return ms > 0 && Number.isFinite(ms) ? ms : undefined;
}

function spanOf(from: string | null | undefined, to: string | null | undefined): Span | undefined {
  const [start, stop] = [parseTime(from ?? ""), parseTime(to ?? "")];
  if (start === undefined || stop === undefined) return undefined;
  return clampSpan({ startMs: toFineMs(start), stopMs: toFineMs(stop) });
}

function twoOf(text: string | null): [string | undefined, string | undefined] {
  const [from, to] = (text ?? "").split("~");
  return [from, to];
}

function defined<T extends object>(of: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(of).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
