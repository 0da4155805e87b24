/** Names of recordings: notes with a title about ranges, which name what they overlap. */

import type { RecordingInfo } from "../../api/protocol";
import type { Timebase } from "../clock/clock";
import type { Note } from "../notes/note_fold";
import { durationText } from "../timeline/ticks";
import { type Entity, entityKey } from "../values/event";
import { compareTimes, formatTime, toFineMs } from "../values/time";

/** Of what recordings are listed: an entity, a scope, or (neither) everything. */
export interface RecordingSource {
  readonly entity: Entity | null;
  readonly scopeId: string | null;
}

/** A name whose range has less in common with a recording is not renamed with it. */
const OWN_SHARE = 0.5;

export interface Recording {
  readonly from: string;
  readonly to: string;
  /** Null where there is too much to count. */
  readonly events: number | null;
  readonly entities: number | null;
  /** Those that overlap it, the one that has the most in common with it first. */
  readonly names: readonly Note[];
}

/** Recordings with their names, of the notes that stand. */
export function namedRecordings(found: readonly RecordingInfo[], notes: readonly Note[], source: RecordingSource, timebase: Timebase): Recording[] {
  const names = notes.filter((note) => isNameOf(note, source, timebase));
  return found.map(({ startTime, stopTime, events, entities }) => ({
    from: startTime,
    to: stopTime,
    events: events ?? null,
    entities: entities ?? null,
    names: namesOver(names, startTime, stopTime),
  }));
}

/** A name of an entity is not one of another entity, and counts for its scope; one of a scope counts for its entities. */
function isNameOf({ title, to, timebase, scopeId, entity }: Note, source: RecordingSource, shown: Timebase): boolean {
  if (title === "" || to === null || timebase !== shown) return false;
  if (source.entity === null) return source.scopeId === null || source.scopeId === scopeId;
  return entity === null ? scopeId === source.entity.scopeId : entityKey(entity) === entityKey(source.entity);
}

function namesOver(names: readonly Note[], from: string, to: string): readonly Note[] {
  const over = names.filter((one) => compareTimes(one.from, to) <= 0 && compareTimes(one.to ?? one.from, from) >= 0);
  return over.length < 2 ? over : over.sort((one, other) => commonShare(other, from, to) - commonShare(one, from, to));
}

/** The share that a name's range and a recording have in common of what both cover. */
function commonShare(note: Note, from: string, to: string): number {
  const [[noteFrom, noteTo], [fromMs, toMs]] = [
    [toFineMs(note.from), toFineMs(note.to ?? note.from)],
    [toFineMs(from), toFineMs(to)],
  ];
  const whole = Math.max(noteTo, toMs) - Math.min(noteFrom, fromMs);
  return whole === 0 ? 1 : (Math.min(noteTo, toMs) - Math.max(noteFrom, fromMs)) / whole;
}

/** The name of a recording itself, not of a much longer or shorter range that it overlaps. */
export function ownName({ names, from, to }: Pick<Recording, "names" | "from" | "to">): Note | undefined {
  const [name] = names;
  return name !== undefined && commonShare(name, from, to) >= OWN_SHARE ? name : undefined;
}

/** The recordings whose name or times have every word of a text. */
export function matchingRecordings(all: readonly Recording[], text: string): readonly Recording[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return all;
  return all.filter((one) => {
    const searched = [formatTime(one.from), formatTime(one.to), ...one.names.map(({ title, author }) => `${title} ${author}`)].join(" ").toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

export function recordingLengthMs({ from, to }: Pick<Recording, "from" | "to">): number {
  return toFineMs(to) - toFineMs(from);
}

/** Its name, else when it began. */
export function recordingTitle({ names, from }: Recording): string {
  return names[0]?.title ?? formatTime(from).slice(0, 19);
}

export function recordingLength(recording: Pick<Recording, "from" | "to">): string {
  const ms = recordingLengthMs(recording);
  return ms === 0 ? "one moment" : durationText(ms);
}
