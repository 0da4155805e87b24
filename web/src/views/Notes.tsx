/** The notes of people about moments and ranges: a list that leads there, and the form of a new one. */

import { useEffect, useState } from "preact/hooks";
import { state } from "../model/clock/clock";
import { entityName } from "../model/entities/entity_names";
import type { Note } from "../model/notes/note_fold";
import { editNote, isSavingNote, noteRefusal, withdrawNote } from "../model/notes/note_form";
import { noteParts } from "../model/notes/note_text";
import { areNotesRead, askNewNotes, goToNote, isNotesCut, isOfEntity, listedNotes, notesError } from "../model/notes/notes";
import { entityKey } from "../model/values/event";
import { formatTime } from "../model/values/time";
import "../notes.css";
import type { PanelProps } from "./later_panel";
import { NoteForm, TimesText } from "./NoteForm";
import { Empty, ErrorNotice, Pane } from "./Pane";

/** More notes than these are drawn only on request. */
const DRAWN_MAX = 200;

export function Notes({ panel }: PanelProps) {
  useEffect(askNewNotes, []);
  return (
    <Pane id={panel.id} tools={<OfEntity />}>
      <ErrorNotice text={notesError.value} />
      <div class="notes-panel">
        <NoteForm />
        <List />
      </div>
    </Pane>
  );
}

function OfEntity() {
  return (
    <label class="note-filter">
      <input
        type="checkbox"
        data-testid="notes-of-entity"
        checked={isOfEntity.value}
        onChange={(event) => (isOfEntity.value = event.currentTarget.checked)}
      />
      of the entity
    </label>
  );
}

function List() {
  const [drawn, setDrawn] = useState(DRAWN_MAX);
  const all = listedNotes.value;
  if (all.length === 0) {
    return <Empty testid="notes-empty">{areNotesRead.value ? "No notes yet." : "Loading notes…"}</Empty>;
  }
  return (
    <ul class="note-list" tabIndex={0} aria-label="Notes" data-testid="notes">
      {all.slice(0, drawn).map((note) => (
        <Row key={note.id} note={note} />
      ))}
      {all.length > drawn && (
        <li>
          <button type="button" onClick={() => setDrawn(drawn + DRAWN_MAX)}>
            {(all.length - drawn).toLocaleString("en")} more
          </button>
        </li>
      )}
      {isNotesCut.value && <li class="muted">Only the notes that were written last are listed; the Events panel has the others.</li>}
    </ul>
  );
}

function Row({ note }: { note: Note }) {
  return (
    <li class={`note ${note.isLater ? "later" : ""}`} data-testid="note">
      <button
        type="button"
        class="note-time"
        data-testid="note-go"
        title={state.value === "LIVE" ? "Move the clock there (leaves LIVE)" : "Move the clock there"}
        onClick={() => void goToNote(note)}
      >
        <TimesText {...note} />
      </button>
      <p class="muted note-facts" title={`Written ${formatTime(note.written)} UTC`}>
        <strong>{note.author}</strong>
        {note.entity !== null && <span title={entityKey(note.entity)}> on {entityName(note.entity)}</span>}
        {note.isReplacement && " · changed"}
        {note.isLater && <span class="ahead-mark">written later</span>}
      </p>
      {note.title !== "" && (
        <p class="note-text" data-testid="note-name">
          <strong>{note.title}</strong>
        </p>
      )}
      {note.text !== "" && <Text text={note.text} />}
      <Tools note={note} />
    </li>
  );
}

/** Changes of a note; withdrawing asks once. */
function Tools({ note }: { note: Note }) {
  const [isAsked, setAsked] = useState(false);
  const refusal = noteRefusal.value;
  const change = { type: "button", disabled: refusal !== "" || isSavingNote.value, title: refusal } as const;
  if (isAsked) {
    return (
      <p class="note-tools">
        Withdraw this note?
        <button {...change} data-testid="note-withdraw-yes" onClick={() => void withdrawNote(note)}>
          Withdraw
        </button>
        <button type="button" onClick={() => setAsked(false)}>
          Keep
        </button>
      </p>
    );
  }
  return (
    <p class="note-tools">
      <button {...change} data-testid="note-edit" onClick={() => editNote(note)}>
        Change
      </button>
      <button {...change} data-testid="note-withdraw" onClick={() => setAsked(true)}>
        Withdraw
      </button>
    </p>
  );
}

function Text({ text }: { text: string }) {
  return (
    <p class="note-text" data-testid="note-text">
      {noteParts(text, location.href).map((part, index) =>
        part.hash === undefined ? (
          part.text
        ) : (
          <a key={index} href={part.hash}>
            {part.text}
          </a>
        ),
      )}
    </p>
  );
}

