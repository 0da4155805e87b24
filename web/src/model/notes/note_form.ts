/**
 * The form of a note. It is written at any time of the clock and keeps the moment or range that it was begun for;
 * like everything that is recorded it is saved in LIVE only.
 */

import { batch, computed, signal } from "@preact/signals";
import { shareUrl } from "../address/view_link";
import { cursor, state, type Timebase, timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { chatScope } from "../events/chat";
import { refusalTo } from "../session/permission";
import { request } from "../session/session";
import { selection } from "../timeline/span";
import type { Entity } from "../values/event";
import { fromFineMs } from "../values/time";
import type { Note } from "./note_fold";

export const NOTE_MAX_CHARS = 10_000;
export const NOTE_TITLE_MAX_CHARS = 200;

/** What a note is about. */
export interface NoteTimes {
  readonly timebase: Timebase;
  readonly from: string;
  readonly to: string | null;
}

export const noteDraft = signal("");
/** The name of the recordings in the range. */
export const noteTitle = signal("");
/** The moment or range that the note was begun for; null: now, whenever it is saved. */
export const noteTimes = signal<NoteTimes | null>(null);
/** Whether the note is about the selected entity. */
export const isOnEntity = signal(false);
/** The note that the draft will replace. */
export const editedNote = signal<Note | null>(null);
export const isSavingNote = signal(false);
/** Why the last note was not saved. */
export const noteError = signal("");

/** Why no note can be saved now; empty if one can. */
export const noteRefusal = computed(() => refusalTo("save notes"));

/** The entity that the note is about. */
export const noteEntity = computed<Entity | null>(() => {
  if (editedNote.value !== null) return editedNote.value.entity;
  return isOnEntity.value ? selectedEntity.value : null;
});

/** The title, of a range: a moment has none. */
export const namedTitle = computed(() => (noteTimes.value?.to == null ? "" : noteTitle.value.trim()));

/** Change the text; the first letter takes the selection, or the moment that is looked at. */
export function writeNote(text: string): void {
  if (noteDraft.value === "" && editedNote.value === null && noteTimes.value === null) aboutSelection();
  noteDraft.value = text;
}

/** The note is about the moment of the clock; from LIVE, about the one at which it is saved. */
export function aboutMoment(): void {
  noteTimes.value = state.value === "LIVE" ? null : { timebase: timebase.value, from: cursor.value, to: null };
}

/** The note is about the selection; without one, about the moment. */
export function aboutSelection(): void {
  const range = selection.value;
  if (range === null) aboutMoment();
  else noteTimes.value = { timebase: timebase.value, from: fromFineMs(range.startMs), to: fromFineMs(range.stopMs) };
}

/** Add the address of what the page shows to the text. */
export async function addViewLink(): Promise<void> {
  const link = await shareUrl();
  const text = noteDraft.value;
  writeNote(text === "" || text.endsWith("\n") ? `${text}${link}` : `${text}\n${link}`);
}

/** Write a note anew. */
export function editNote(note: Note): void {
  batch(() => {
    editedNote.value = note;
    noteDraft.value = note.text;
    noteTitle.value = note.title;
    noteTimes.value = { timebase: note.timebase, from: note.from, to: note.to };
    noteError.value = "";
  });
}

export function discardNote(): void {
  batch(() => {
    noteDraft.value = "";
    noteTitle.value = "";
    noteTimes.value = null;
    editedNote.value = null;
    noteError.value = "";
  });
}

/** Save the draft; it is kept if that failed. */
export async function saveNote(): Promise<void> {
  const [text, title] = [noteDraft.value.trim(), namedTitle.value];
  if (text === "" && title === "") return;
  const [times, entity, edited] = [noteTimes.value, noteEntity.value, editedNote.value];
  const isSaved = await submit({
    scopeId: edited?.scopeId ?? entity?.scopeId ?? chatScope.value,
    ...(text === "" ? {} : { text }),
    ...(title === "" ? {} : { title }),
    timebase: times?.timebase ?? timebase.value,
    ...(times === null ? {} : { fromTime: times.from }),
    ...(times?.to == null ? {} : { toTime: times.to }),
    ...(entity === null ? {} : { systemId: entity.systemId, containerId: entity.containerId, uniqueId: entity.uniqueId }),
    ...(edited === null ? {} : { replaces: edited.id }),
  });
  if (isSaved) discardNote();
}

/** Withdraw a note; it stays in the archive, where a replay of before in receive time shows it. */
export async function withdrawNote(note: Note): Promise<void> {
  const isWithdrawn = await submit({ scopeId: note.scopeId, replaces: note.id });
  if (isWithdrawn && editedNote.value?.id === note.id) discardNote();
}

/** Record a note; throws the Error of one that may not have been recorded. */
export async function sendNote(members: { scopeId: string; [member: string]: unknown }): Promise<void> {
  await request({ type: "submitNote", timelineMode: "LIVE", ...members }, "noteAck");
}

async function submit(members: { scopeId: string; [member: string]: unknown }): Promise<boolean> {
  if (isSavingNote.value || noteRefusal.value !== "" || members.scopeId === "") return false;
  isSavingNote.value = true;
  try {
    await sendNote(members);
    noteError.value = "";
    return true;
  } catch (error) {
    noteError.value = `The note may not have been saved: ${(error as Error).message}.`;
    return false;
  } finally {
    isSavingNote.value = false;
  }
}
