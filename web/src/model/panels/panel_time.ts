/** The span of a panel: what the page shows, or a span of its own. */

import { selection, type Span, visible } from "../timeline/span";
import { fromFineMs, parseTime, toFineMs } from "../values/time";
import type { OptionSchema } from "./option_schema";

export type TimeMode = "view" | "selection" | "fixed" | "shifted";

/** The options of time that a kind of panel has beside its own. */
export interface TimeOptions {
  time?: TimeMode;
  from?: string;
  to?: string;
  /** Seconds by which the panel is ahead of the page; negative: behind it. */
  shiftS?: number;
}

const TIME_MAX_CHARS = 40;
const SHIFT_MAX_S = 200 * 366 * 86_400;

export const TIME_SCHEMA = {
  time: {
    label: "Time",
    type: "choice",
    choices: {
      view: "the visible span",
      selection: "the selection",
      fixed: "a span of its own",
      shifted: "the visible span, shifted",
    },
  },
  from: { label: "Own span from (UTC)", type: "text", maxChars: TIME_MAX_CHARS },
  to: { label: "Own span to (UTC)", type: "text", maxChars: TIME_MAX_CHARS },
  shiftS: { label: "Shifted by (seconds)", type: "number", min: -SHIFT_MAX_S, max: SHIFT_MAX_S },
} as const satisfies OptionSchema;

/** The span that a panel shows; a text where its options give none. */
export function panelSpan(options: TimeOptions): Span | string {
  switch (options.time ?? "view") {
    case "view":
      return visible.value;
    case "selection":
      return selection.value ?? "Nothing is selected: drag over the timeline with Shift, or press [ and ].";
    case "fixed":
      return fixedSpan(options);
    case "shifted":
      return shiftedSpan(visible.value, options.shiftS ?? 0);
  }
}

function fixedSpan({ from = "", to = "" }: TimeOptions): Span | string {
  const [start, stop] = [parseTime(from), parseTime(to)];
  if (start === undefined) return timeTrouble("Own span from", from);
  if (stop === undefined) return timeTrouble("Own span to", to);
  const span = { startMs: toFineMs(start), stopMs: toFineMs(stop) };
  return span.startMs < span.stopMs ? span : "Own span: its end must be later than its start.";
}

function timeTrouble(label: string, text: string): string {
  const found = text === "" ? "no time is given" : `“${text}” is no time`;
  return `${label}: ${found}; write it as 2026-03-01T12:00:00Z, in the settings of the panel.`;
}

/** A span moved by seconds. */
export function shiftedSpan(span: Span, byS: number): Span {
  return { startMs: span.startMs + byS * 1_000, stopMs: span.stopMs + byS * 1_000 };
}

/** The options with the span that the page shows kept for the panel. */
export function pinned<Options extends TimeOptions>(options: Options, span: Span): Options {
  const { shiftS: _, ...others } = options;
  return { ...others, time: "fixed", from: fromFineMs(span.startMs), to: fromFineMs(span.stopMs) } as Options;
}

/** The options of a panel that shows what the page does. */
export function unpinned<Options extends TimeOptions>(options: Options): Options {
  const { time: _time, from: _from, to: _to, shiftS: _shift, ...others } = options;
  return others as Options;
}

/** Whether a panel has a span of its own, other than the page's. */
export function hasOwnTime(options: TimeOptions): boolean {
  return (options.time ?? "view") !== "view";
}
