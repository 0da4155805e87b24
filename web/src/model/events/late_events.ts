/** Late events: received after a receive time, although what they tell had happened by then. */

import type { Query } from "../../api/protocol";
import { request } from "../session/session";
import { type Span, spanContains } from "../timeline/span";
import type { StoredEvent } from "../values/event";
import { compareTimes, fromFineMs, fromNs, toFineMs, toNs } from "../values/time";
import { mergeEvents } from "./ledger";

const PAGE_EVENTS = 1_000;
/** Most events that are read in one order. */
export const READ_MAX_EVENTS = 5_000;

/** The late events that were found. */
export interface LateEvents {
  /** The source times that were looked at; null is all times. */
  readonly span: Span | null;
  /** In the order of source time. */
  readonly events: readonly StoredEvent[];
  /** Whether these are all late events of the span. */
  readonly isWhole: boolean;
}

/** The first or the last of all times has no neighbour; the archive has nothing there. */
const ONE_NS = 1n;

/**
 * The events that were received after `known`, and whose source time is not after it. First all that was received
 * since is read; if that is more than `READ_MAX_EVENTS`, what the span has, which may be less.
 */
export async function findLate(known: string, span: Span): Promise<LateEvents> {
  const isLate = (event: StoredEvent) => compareTimes(event.canonicalTruthTime, known) > 0 && compareTimes(event.sourceTruthTime, known) <= 0;
  const since = await readRange({ timebase: "canonical", startTime: fromNs(toNs(known) + ONE_NS) }, isLate);
  if (since.isWhole) return { span: null, isWhole: true, events: mergeEvents([], since.events, "source") };
  const stopTime = compareTimes(fromFineMs(span.stopMs), known) < 0 ? fromFineMs(span.stopMs) : known;
  const inSpan = await readRange({ timebase: "source", startTime: fromFineMs(span.startMs), stopTime }, isLate);
  const events = inSpan.isWhole ? inSpan.events : [...since.events, ...inSpan.events];
  return { span, isWhole: inSpan.isWhole, events: mergeEvents([], events, "source") };
}

/** Those of a span, in the order of source time. */
export function lateIn(found: LateEvents, span: Span): readonly StoredEvent[] {
  return found.events.filter(({ sourceTruthTime }) => spanContains(span, toFineMs(sourceTruthTime)));
}

/** The wanted events of a range; not whole where it has more than `READ_MAX_EVENTS`. */
async function readRange(
  range: Pick<Query, "timebase" | "startTime" | "stopTime">,
  isWanted: (event: StoredEvent) => boolean,
): Promise<{ events: StoredEvent[]; isWhole: boolean }> {
  if (range.stopTime != null && range.startTime != null && compareTimes(range.startTime, range.stopTime) > 0) {
    return { events: [], isWhole: true };
  }
  const events: StoredEvent[] = [];
  let [afterKey, left] = [undefined as string | null | undefined, READ_MAX_EVENTS];
  do {
    const page = { type: "query", timelineMode: "REPLAY", limit: Math.min(PAGE_EVENTS, left), ...range } as const;
    const reply = await request(afterKey == null ? page : { ...page, afterKey }, "queryResponse");
    events.push(...(reply.events as unknown as StoredEvent[]).filter(isWanted));
    [afterKey, left] = [reply.nextKey, left - reply.events.length];
  } while (afterKey != null && left > 0);
  return { events, isWhole: afterKey == null };
}
