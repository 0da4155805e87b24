/**
 * The notes of the archive. In source time all of them: each stands at what it is about, whenever it was written. In
 * receive time as they were known at the clock, and those written later, which are marked.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cursor, seek, state, timebase } from "../clock/clock";
import { switchTimebase } from "../clock/cursor_event";
import { selectedEntity, selectEntity } from "../entities/entities";
import { countUpTo, mergeEvents } from "../events/ledger";
import { singleFlight } from "../page/single_flight";
import { showToast } from "../page/toast";
import { connection, recoveries, request, user } from "../session/session";
import { followMoves } from "../timeline/moves";
import { setVisible, withMargin } from "../timeline/span";
import { entityKey, type StoredEvent } from "../values/event";
import { fromNs, toFineMs, toNs } from "../values/time";
import { NOTE, type Note, noteMarkersOf, notesAsOf } from "./note_fold";

const PAGE_EVENTS = 1_000;
/** Of more than this only the notes that were written last are read. */
const EVENTS_MAX = 5_000;
const RETRY_INTERVAL_MS = 3_000;

const events = signal<readonly StoredEvent[]>([]);
/** Whether notes have been read. */
export const areNotesRead = signal(false);
/** Whether there are more notes than are read. */
export const isNotesCut = signal(false);
/** Why the notes could not be read; empty if they were. */
export const notesError = signal("");
/** Whether only notes on the selected entity are listed. */
export const isOfEntity = signal(false);

const count = computed(() => {
  const isPast = timebase.value === "canonical" && state.value !== "LIVE";
  return countUpTo(events.value, isPast ? cursor.value : undefined, "canonical");
});

/** All notes as of the clock. */
export const notes = computed<readonly Note[]>(() => notesAsOf(events.value, count.value));

/** The notes that the panel lists. */
export const listedNotes = computed<readonly Note[]>(() => {
  const entity = selectedEntity.value;
  if (!isOfEntity.value || entity === null) return notes.value;
  return notes.value.filter((note) => note.entity !== null && entityKey(note.entity) === entityKey(entity));
});

export const noteMarkers = computed(() => noteMarkersOf(notes.value, timebase.value));

const askNotes = singleFlight(readNotes);
/** The receive time up to which notes were read; undefined if all are to be read. */
let readUntil: string | undefined;

/** Read the notes, and those of others when the clock changes its state, moves, or the span does; called once. */
export function startNotes(): void {
  effect(() => {
    void user.value;
    // Another user may see other scopes.
    batch(() => {
      events.value = [];
      areNotesRead.value = false;
    });
  });
  effect(() => {
    void [user.value, connection.value];
    readUntil = undefined;
  });
  effect(() => {
    // A page that is not LIVE is not sent what others write meanwhile.
    void [user.value, connection.value, state.value];
    untracked(askNewNotes);
  });
  followMoves(askNewNotes);
  recoveries.subscribe(() => notesError.value !== "" && askNotes());
  scheduler.every(RETRY_INTERVAL_MS, askNotes, { when: () => notesError.value !== "" && isOpen() });
}

/** Ask for the notes that were written since they were read. */
export function askNewNotes(): void {
  if (isOpen()) askNotes();
}

/** Add the notes among streamed events. */
export function applyToNotes(streamed: readonly StoredEvent[]): void {
  const found = streamed.filter(({ lane, messageType }) => lane === "metadata" && messageType === NOTE);
  if (found.length > 0) events.value = mergeEvents(events.value, found, "canonical");
}

/** Show what a note is about: the clock is set to its begin, by its own clock, and a range is fitted into view. */
export async function goToNote(note: Note): Promise<void> {
  const wasLive = state.value === "LIVE";
  await switchTimebase(note.timebase);
  batch(() => {
    if (note.entity !== null) selectEntity(note.entity);
    if (state.value === "PLAYING") state.value = "PAUSED";
    seek(note.from);
    if (note.to !== null) setVisible(withMargin(toFineMs(note.from), toFineMs(note.to)));
  });
  showToast(wasLive ? "LIVE is left: the clock is at the note. Press L to return." : "");
}

async function readNotes(): Promise<void> {
  const [asked, since] = [user.peek(), readUntil];
  try {
    const found: StoredEvent[] = [];
    let afterKey: string | null = null;
    do {
      const reply = await readPage(since, afterKey);
      found.push(...(reply.events as StoredEvent[]));
      afterKey = reply.nextKey ?? null;
    } while (afterKey !== null && found.length < EVENTS_MAX);
    if (asked !== user.peek()) return;
    // The newest are first.
    if (since === readUntil) readUntil = found[0]?.canonicalTruthTime ?? since;
    batch(() => {
      if (found.length > 0) events.value = mergeEvents(events.value, found, "canonical");
      isNotesCut.value = afterKey !== null || (since !== undefined && isNotesCut.peek());
      areNotesRead.value = true;
      notesError.value = "";
    });
  } catch (error) {
    if (asked === user.peek()) notesError.value = (error as Error).message;
    throw error;
  }
}

function readPage(since: string | undefined, afterKey: string | null) {
  return request(
    {
      type: "query",
      filters: { lanes: ["metadata"], messageTypes: [NOTE] },
      timebase: "canonical",
      reverse: true,
      limit: PAGE_EVENTS,
      timelineMode: "REPLAY",
      ...(since === undefined ? {} : { startTime: fromNs(toNs(since) + 1n) }),
      ...(afterKey === null ? {} : { afterKey }),
    },
    "queryResponse",
  );
}

function isOpen(): boolean {
  return connection.value === "open";
}
