/** The form of a note: its text, what it is about, and why it cannot be saved. */

import { goLive, state } from "../model/clock/clock";
import { entityName } from "../model/entities/entity_names";
import { selectedEntity } from "../model/entities/entities";
import { chatScope, chatScopes, chosenScope } from "../model/events/chat";
import type { NoteTimes } from "../model/notes/note_form";
import {
  aboutMoment,
  aboutSelection,
  addViewLink,
  discardNote,
  editedNote,
  isOnEntity,
  isSavingNote,
  namedTitle,
  NOTE_MAX_CHARS,
  NOTE_TITLE_MAX_CHARS,
  noteDraft,
  noteEntity,
  noteError,
  noteRefusal,
  noteTimes,
  noteTitle,
  saveNote,
  writeNote,
} from "../model/notes/note_form";
import { selection } from "../model/timeline/span";
import { durationText } from "../model/timeline/ticks";
import { formatTime, toFineMs } from "../model/values/time";

export function TimesText({ from, to, timebase }: NoteTimes) {
  return (
    <>
      <time>{formatTime(from)}</time>
      {to !== null && ` + ${durationText(toFineMs(to) - toFineMs(from))}`}
      {timebase === "canonical" && " (receive time)"}
    </>
  );
}

export function NoteForm() {
  const refusal = noteRefusal.value;
  const isEmpty = noteDraft.value.trim() === "" && namedTitle.value === "";
  return (
    <form
      class="note-entry"
      onSubmit={(event) => {
        event.preventDefault();
        void saveNote();
      }}
    >
      {noteError.value !== "" && (
        <p class="form-problem" role="alert">
          {noteError.value}
        </p>
      )}
      <textarea
        rows={2}
        aria-label={editedNote.value === null ? "New note" : "Changed note"}
        placeholder="New note"
        maxLength={NOTE_MAX_CHARS}
        data-testid="note-input"
        value={noteDraft.value}
        onInput={(event) => writeNote(event.currentTarget.value)}
      />
      {noteTimes.value?.to != null && <Title />}
      <About />
      <Refusal />
      <p class="note-tools">
        <button type="submit" class="primary" disabled={refusal !== "" || isSavingNote.value || isEmpty} data-testid="note-save">
          {editedNote.value === null ? "Save" : "Save change"}
        </button>
        <button type="button" data-testid="note-link" title="Add a link to what the page shows" onClick={() => void addViewLink()}>
          Add link
        </button>
        {(!isEmpty || editedNote.value !== null) && (
          <button type="button" onClick={discardNote}>
            Discard
          </button>
        )}
      </p>
    </form>
  );
}

function Title() {
  return (
    <input
      aria-label="Name of the recordings in this range"
      placeholder="Name of the recordings in this range, if any"
      maxLength={NOTE_TITLE_MAX_CHARS}
      data-testid="note-title"
      value={noteTitle.value}
      onInput={(event) => (noteTitle.value = event.currentTarget.value)}
    />
  );
}

/** Why it cannot be saved now. */
function Refusal() {
  const refusal = noteRefusal.value;
  const isEmpty = noteDraft.value.trim() === "";
  if (refusal === "") return null;
  return (
    <p class="muted why" role="status" data-testid="note-refusal">
      {refusal} {!isEmpty && "What is written here is kept."}
      {state.value !== "LIVE" && !isEmpty && (
        <button type="button" data-testid="note-live" onClick={goLive}>
          Go LIVE
        </button>
      )}
    </p>
  );
}

/** What the note is about. */
function About() {
  const times = noteTimes.value;
  const entity = editedNote.value === null ? selectedEntity.value : noteEntity.value;
  return (
    <div class="note-about">
      <span data-testid="note-about">About {times === null ? "now" : <TimesText {...times} />}</span>
      <button type="button" title="About the clock's time" data-testid="note-moment" onClick={aboutMoment}>
        This moment
      </button>
      <button
        type="button"
        disabled={selection.value === null}
        title="About the selection: drag with Shift on the timeline to select"
        data-testid="note-selection"
        onClick={aboutSelection}
      >
        Selection
      </button>
      {entity !== null && (
        <label>
          <input
            type="checkbox"
            data-testid="note-on-entity"
            disabled={editedNote.value !== null}
            checked={noteEntity.value !== null}
            onChange={(event) => (isOnEntity.value = event.currentTarget.checked)}
          />
          on {entityName(entity)}
        </label>
      )}
      <Scope />
    </div>
  );
}

/** The scope of a note on no entity. */
function Scope() {
  if (noteEntity.value !== null || editedNote.value !== null || chatScopes.value.length < 2) return null;
  return (
    <select aria-label="Scope" value={chatScope.value} onChange={(event) => (chosenScope.value = event.currentTarget.value)}>
      {chatScopes.value.map((one) => (
        <option key={one}>{one}</option>
      ))}
    </select>
  );
}
