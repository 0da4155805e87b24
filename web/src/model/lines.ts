/** What the plots draw: the buckets of every plotted series over the visible span. */

import { effect, signal, untracked } from "@preact/signals";
import { BUCKETS_MAX } from "../api/sampling";
import type { StoredEvent } from "./event";
import { append, askBuckets, type Buckets, lastFilled, nameKey, sampledKey } from "./sampling";
import { bySeries, plots, type PlotField } from "./plots";
import { covers, ROOM, roomy } from "./room";
import { connection } from "./session";
import { type Span, visible } from "./span";
import { state, timebase, withoutAhead } from "./timeline";

/** What is known of one plotted series. */
export interface Lines {
  buckets: Buckets;
  /** The last bucket that came from the server; those behind it hold streamed events only. */
  sampledUntil: number;
}

const PACE_MS = 150;
const LIVE_INTERVAL_MS = 1_000;
const FIRST_BUCKETS = 600;

export const lines = signal<ReadonlyMap<string, Lines>>(new Map());
/** Why there are none: an answer that is missing, in words. */
export const trouble = signal<string>("");
/** How many pixels wide the widest plot is: it needs no more buckets than these. */
export const widthPx = signal(FIRST_BUCKETS);

let asked = 0;
let askedSpan: Span = { startMs: 0, stopMs: 0 };
let isWaiting = false;
let isDue = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Ask whenever the span, the clock's kind or the plots change, and steadily while LIVE. */
export function keepLines(): void {
  effect(() => {
    void [plots.value, timebase.value, widthPx.value, connection.value];
    untracked(askLines);
  });
  effect(() => {
    const span = visible.value;
    untracked(() => covers(askedSpan, span) || askLines());
  });
  setInterval(() => state.value === "LIVE" && !document.hidden && askLines(), LIVE_INTERVAL_MS);
}

/** Ask now, or as soon as the last answer is there and the pace allows it. */
export function askLines(): void {
  isDue = true;
  if (isWaiting || timer !== undefined) return;
  isDue = false;
  isWaiting = true;
  timer = setTimeout(() => {
    timer = undefined;
    if (isDue) askLines();
  }, PACE_MS);
  refreshLines()
    .then(() => (trouble.value = ""))
    .catch((error: Error) => (trouble.value = error.message))
    .finally(() => {
      isWaiting = false;
      if (isDue) askLines();
    });
}

/** Ask for all plotted series over the visible span. */
async function refreshLines(): Promise<void> {
  const mine = ++asked;
  const fields = plots.value.flatMap((plot) => plot.fields);
  if (connection.value !== "open") return;
  const span = roomy(visible.value);
  askedSpan = span;
  const base = timebase.value;
  const buckets = Math.min(BUCKETS_MAX, Math.max(64, Math.round(widthPx.value * (1 + 2 * ROOM))));
  const found = await Promise.all(
    bySeries(fields).map(async (group): Promise<[string, Lines]> => {
      const answer = await askBuckets(group.series, group.fields, withoutAhead(span), buckets);
      return [nameKey(group.series), { buckets: answer, sampledUntil: lastFilled(answer) }];
    }),
  );
  if (mine === asked && base === timebase.value) lines.value = new Map(found);
}

/** Take in streamed events while LIVE. */
export function appendLines(events: readonly StoredEvent[]): void {
  if (state.value !== "LIVE" || lines.value.size === 0) return;
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = sampledKey(event);
    if (!lines.value.has(key)) continue;
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  let isNew = false;
  for (const [key, group] of groups) {
    const known = lines.value.get(key) as Lines;
    isNew = append(known.buckets, known.sampledUntil, group, timebase.value) || isNew;
  }
  if (isNew) lines.value = new Map(lines.value);
}

/** The lines of a plotted field; undefined while they are awaited. */
export function linesOf(of: PlotField): Lines | undefined {
  return lines.value.get(nameKey(of.series));
}
