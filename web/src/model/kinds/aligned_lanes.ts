/** Spans of equal length, one above the other, so that recordings of different times lie on one axis. */

import { selection, type Span, spanLength, visible } from "../timeline/span";
import { tickStep } from "../timeline/ticks";
import { fromFineMs, parseTime, toFineMs } from "../values/time";

/** Lanes have no calendar: a month is thirty days. */
const MONTH_MS = 30 * 86_400_000;

/** A lane: where its span starts. Without a time it starts where the page's span does. */
export interface AlignedLane {
  name?: string;
  start?: string;
  /** Seconds that its start is moved by. */
  shiftS?: number;
}

export interface LaneSpan {
  readonly name: string;
  /** A text where its options give no span. */
  readonly span: Span | string;
}

/** The spans of lanes. All have the length that is given, else that of the visible span. */
export function laneSpans(lanes: readonly AlignedLane[], lengthS: number | undefined): LaneSpan[] {
  const lengthMs = lengthS === undefined ? spanLength(visible.value) : lengthS * 1_000;
  return lanes.map((lane, at) => {
    const startMs = startOf(lane);
    const name = lane.name ?? lane.start ?? `Lane ${at + 1}`;
    if (startMs === undefined) return { name, span: `${name}: “${lane.start}” is no time; write 2026-03-01T12:00:00Z.` };
    return { name, span: { startMs, stopMs: startMs + lengthMs } };
  });
}

function startOf({ start, shiftS = 0 }: AlignedLane): number | undefined {
  if (start === undefined || start === "") return visible.value.startMs + shiftS * 1_000;
  const time = parseTime(start);
  return time === undefined ? undefined : toFineMs(time) + shiftS * 1_000;
}

/** A lane that starts where the selection does, or the visible span if nothing is selected. */
export function laneOfPage(): AlignedLane {
  const { startMs } = selection.value ?? visible.value;
  const start = fromFineMs(startMs);
  return { name: start.slice(0, 19).replace("T", " "), start };
}

/** The ticks of an axis that counts from 0, in ms, at most about this many. */
export function sinceStartTicks(lengthMs: number, count: number): number[] {
  const step = tickStep(lengthMs, count);
  const stepMs = "ms" in step ? step.ms : step.months * MONTH_MS;
  return Array.from({ length: Math.floor(lengthMs / stepMs) + 1 }, (_, at) => at * stepMs);
}

/** A time since the start of a lane. */
export function sinceStartText(ms: number): string {
  const [sign, whole] = [ms < 0 ? "−" : "+", Math.round(Math.abs(ms))];
  const seconds = Math.floor(whole / 1_000);
  const digits = (value: number) => String(value).padStart(2, "0");
  const clock = `${digits(Math.floor(seconds / 3_600) % 24)}:${digits(Math.floor(seconds / 60) % 60)}:${digits(seconds % 60)}`;
  const days = Math.floor(seconds / 86_400);
  const below = whole % 1_000 === 0 ? "" : `.${String(whole % 1_000).padStart(3, "0")}`;
  return `T${sign}${days === 0 ? "" : `${days} d `}${clock}${below}`;
}
