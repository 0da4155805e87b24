/** Notes of events: each with what replaced or withdrew it applied, and as they were known at a time. */

import type { Timebase } from "../clock/clock";
import type { Marker } from "../timeline/markers";
import type { Entity, StoredEvent } from "../values/event";
import { compareTimes, parseTime, toFineMs } from "../values/time";

export const NOTE = "UserNote";

export interface Note {
  /** The id of its event. */
  readonly id: string;
  readonly scopeId: string;
  readonly entity: Entity | null;
  /** The name of the recordings in its range; empty if it has none. */
  readonly title: string;
  /** Empty if it is a name alone. */
  readonly text: string;
  readonly author: string;
  /** What `from` and `to` are by. */
  readonly timebase: Timebase;
  readonly from: string;
  /** Null for a moment. */
  readonly to: string | null;
  readonly written: string;
  /** Whether it stands in the place of another one. */
  readonly isReplacement: boolean;
  /** Whether it was written after the time as of which notes are asked for. */
  readonly isLater: boolean;
}

const EXCERPT_CHARS = 120;

/**
 * The notes of events in the order of their arrival, the latest moments first: those that stood after the first
 * `count` events, and those written later that still stand, which are marked.
 */
export function notesAsOf(events: readonly StoredEvent[], count: number): Note[] {
  const known = standing(events.slice(0, count));
  const later = new Set(events.slice(count).map(({ eventId }) => eventId));
  const added = later.size === 0 ? [] : standing(events).filter(({ id }) => later.has(id));
  const all = [...known, ...added.map((note) => ({ ...note, isLater: true }))];
  return all.sort((one, other) => compareTimes(other.from, one.from) || compareTimes(other.written, one.written));
}

/** The notes that none of these events replaces or withdraws, whatever their order. One of another scope cannot. */
function standing(events: readonly StoredEvent[]): Note[] {
  const replaced = new Set(events.map((event) => `${event.scopeId} ${textOf(payloadOf(event)["replaces"])}`));
  return events.flatMap((event) => {
    const note = replaced.has(`${event.scopeId} ${event.eventId}`) ? undefined : noteOf(event);
    return note === undefined ? [] : [note];
  });
}

/** The note of an event; undefined for one that only withdraws another, or that has no time. */
export function noteOf(event: StoredEvent): Note | undefined {
  const payload = payloadOf(event);
  const [title, text] = [textOf(payload["title"]), textOf(payload["text"])];
  const from = parseTime(textOf(payload["fromTime"]));
  if ((title === "" && text === "") || from === undefined) return undefined;
  return {
    id: event.eventId,
    scopeId: event.scopeId,
    entity: entityOf(textOf(payload["targetId"])),
    title,
    text,
    author: textOf(payload["user"]),
    timebase: payload["timebase"] === "canonical" ? "canonical" : "source",
    from,
    to: parseTime(textOf(payload["toTime"])) ?? null,
    written: parseTime(textOf(payload["writtenTime"])) ?? event.canonicalTruthTime,
    isReplacement: textOf(payload["replaces"]) !== "",
    isLater: false,
  };
}

/** The markers of notes, each on the clock that its times are by. */
export function noteMarkersOf(notes: readonly Note[], timebase: Timebase): Marker[] {
  return notes
    .filter((note) => note.timebase === timebase)
    .map(({ from, to, author, ...note }) => ({
      ms: toFineMs(from),
      stopMs: toFineMs(to ?? from),
      kind: "note",
      text: `${author}: ${excerpt(note)}`,
    }));
}

function excerpt({ title, text }: Pick<Note, "title" | "text">): string {
  const all = [title, text].filter((one) => one !== "").join(": ");
  return all.length > EXCERPT_CHARS ? `${all.slice(0, EXCERPT_CHARS)}…` : all;
}

function entityOf(target: string): Entity | null {
  const [scopeId, systemId, containerId, uniqueId] = target.split("|");
  if (!scopeId || !systemId || !containerId || !uniqueId) return null;
  return { scopeId, systemId, containerId, uniqueId };
}

function payloadOf(event: StoredEvent): Record<string, unknown> {
  return (event["payload"] ?? {}) as Record<string, unknown>;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
