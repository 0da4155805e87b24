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
  /** The receive time up to which all that was received was looked at. */
  readonly readUntil: string;
}

/** The first or the last of all times has no neighbour; the archive has nothing there. */
const ONE_NS = 1n;

/**
 * The events that were received after `known`, and whose source time is not after it. First all that was received
 * since, or since they were found `before`, is read; if that is more than `READ_MAX_EVENTS`, what the span has, which
 * may be less.
 */
export async function findLate(known: string, span: Span, before: LateEvents | null = null): Promise<LateEvents> {
  const isLate = (event: StoredEvent) => compareTimes(event.canonicalTruthTime, known) > 0 && compareTimes(event.sourceTruthTime, known) <= 0;
  const readUntil = before?.readUntil ?? known;
  // What was too much to be read does not become less.
  const isTooMuch = before !== null && before.span !== null;
  const since = isTooMuch ? NOTHING : await readRange({ timebase: "canonical", startTime: fromNs(toNs(readUntil) + ONE_NS) }, isLate);
  const found = mergeEvents(before?.events ?? [], since.events, "source");
  if (since.isWhole) return { span: null, isWhole: true, events: found, readUntil: since.last?.canonicalTruthTime ?? readUntil };
  const stopTime = compareTimes(fromFineMs(span.stopMs), known) < 0 ? fromFineMs(span.stopMs) : known;
  const inSpan = await readRange({ timebase: "source", startTime: fromFineMs(span.startMs), stopTime }, isLate);
  const events = mergeEvents(inSpan.isWhole ? [] : eventsIn(found, span), inSpan.events, "source");
  return { span, isWhole: inSpan.isWhole, events, readUntil };
}

/** Those of a span, in the order of source time. */
export function lateIn({ events }: LateEvents, span: Span): readonly StoredEvent[] {
  return eventsIn(events, span);
}

function eventsIn(events: readonly StoredEvent[], span: Span): readonly StoredEvent[] {
  return events.filter(({ sourceTruthTime }) => spanContains(span, toFineMs(sourceTruthTime)));
}

/** What was read of a range. */
interface RangeRead {
  /** The wanted events. */
  readonly events: StoredEvent[];
  readonly isWhole: boolean;
  /** The last event that was looked at. */
  readonly last?: StoredEvent | undefined;
}

const NOTHING: RangeRead = { events: [], isWhole: false };

/** The wanted events of a range; not whole where it has more than `READ_MAX_EVENTS`. */
async function readRange(
  range: Pick<Query, "timebase" | "startTime" | "stopTime">,
  isWanted: (event: StoredEvent) => boolean,
): Promise<RangeRead> {
  if (range.stopTime != null && range.startTime != null && compareTimes(range.startTime, range.stopTime) > 0) {
    return { events: [], isWhole: true };
  }
  const events: StoredEvent[] = [];
  let [afterKey, left, last] = [undefined as string | null | undefined, READ_MAX_EVENTS, undefined as StoredEvent | undefined];
  do {
    const query = { type: "query", timelineMode: "REPLAY", limit: Math.min(PAGE_EVENTS, left), ...range } as const;
    const reply = await request(afterKey == null ? query : { ...query, afterKey }, "queryResponse");
    const page = reply.events as unknown as StoredEvent[];
    events.push(...page.filter(isWanted));
    [afterKey, left, last] = [reply.nextKey, left - page.length, page.at(-1) ?? last];
  } while (afterKey != null && left > 0);
  return { events, isWhole: afterKey == null, last };
}
