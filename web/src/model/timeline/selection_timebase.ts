/** A selection in the other timebase: the range that has its events there. */

import type { Timebase } from "../clock/clock";
import { request } from "../session/session";
import { eventTime, type StoredEvent } from "../values/event";
import { fromFineMs, toFineMs } from "../values/time";
import { clampSpan, type Span } from "./span";

const PAGE_EVENTS = 1_000;
/** A selection of more events than these has the range of its first and last ones. */
const PAGES_MAX = 10;

/** The range of the selection's events in the other timebase. */
export interface MovedSelection {
  /** Null if it has no events. */
  readonly span: Span | null;
  /** Whether all its events were looked at. */
  readonly isExact: boolean;
}

/** The smallest range in `to` that has all events of a selection in `from`. */
export async function selectionInTimebase(selection: Span, from: Timebase, to: Timebase): Promise<MovedSelection> {
  const times: number[] = [];
  const add = (events: readonly StoredEvent[]) => {
    for (const event of events) times.push(toFineMs(eventTime(event, to)));
  };
  let afterKey: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { events, nextKey } = await readPage(selection, from, false, afterKey);
    add(events);
    if (nextKey === undefined) return { span: rangeOf(times), isExact: true };
    afterKey = nextKey;
  }
  add((await readPage(selection, from, true)).events);
  return { span: rangeOf(times), isExact: false };
}

async function readPage(span: Span, timebase: Timebase, reverse: boolean, afterKey?: string) {
  const reply = await request(
    {
      type: "query",
      startTime: fromFineMs(span.startMs),
      stopTime: fromFineMs(span.stopMs),
      timebase,
      reverse,
      limit: PAGE_EVENTS,
      timelineMode: "REPLAY",
      ...(afterKey === undefined ? {} : { afterKey }),
    },
    "queryResponse",
  );
  return { events: reply.events as StoredEvent[], nextKey: reply.nextKey ?? undefined };
}

function rangeOf(times: readonly number[]): Span | null {
  if (times.length === 0) return null;
  let [startMs, stopMs] = [Infinity, -Infinity];
  for (const ms of times) [startMs, stopMs] = [Math.min(startMs, ms), Math.max(stopMs, ms)];
  // Times in ms have fewer digits than those of events: the ends are not to be lost.
  return clampSpan({ startMs: startMs - END_MS, stopMs: stopMs + END_MS });
}

const END_MS = 0.001;
