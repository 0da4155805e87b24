/** A recording in the list: it leads there, is selected, chosen as a lane, and named. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { goLive, state } from "../model/clock/clock";
import { entityName } from "../model/entities/entity_names";
import type { Note } from "../model/notes/note_fold";
import { NOTE_TITLE_MAX_CHARS } from "../model/notes/note_form";
import { chooseRecording, goToRecording, isChosen, selectRecording } from "../model/recordings/recording_actions";
import { ownName, type Recording, recordingLength, recordingTitle } from "../model/recordings/recording_names";
import { isSavingName, nameError, nameRefusal, saveName, withdrawName } from "../model/recordings/recording_naming";
import { formatTime } from "../model/values/time";

export function RecordingRow({ recording }: { recording: Recording }) {
  const [isNaming, setNaming] = useState(false);
  const title = recordingTitle(recording);
  return (
    <li class="recording" data-testid="recording" data-from={recording.from} data-to={recording.to}>
      <div class="recording-head">
        <input
          type="checkbox"
          class="recording-key"
          aria-label={`Choose ${title}`}
          title="Choose it for an aligned plot"
          data-testid="recording-choose"
          checked={isChosen(recording)}
          onChange={(event) => chooseRecording(recording, event.currentTarget.checked)}
        />
        <button
          type="button"
          class="recording-go recording-key"
          title={`Fit it into view, and set the clock to its begin${state.value === "LIVE" ? " (leaves LIVE)" : ""}`}
          data-testid="recording-go"
          onClick={() => goToRecording(recording)}
        >
          <Names names={recording.names} />
          <time dateTime={recording.from}>{formatTime(recording.from).slice(0, 19)}</time>
          <span class="muted" title={`to ${formatTime(recording.to)} UTC`}>
            + {recordingLength(recording)}
          </span>
        </button>
      </div>
      <div class="recording-foot">
        <Facts recording={recording} />
        <Tools recording={recording} title={title} isNaming={isNaming} toggleNaming={() => setNaming(!isNaming)} />
      </div>
      {isNaming && <NameForm recording={recording} close={() => setNaming(false)} />}
    </li>
  );
}

function Names({ names }: { names: readonly Note[] }) {
  const [name, ...others] = names;
  if (name === undefined) return null;
  return (
    <strong data-testid="recording-name" title={names.map(describe).join("\n")}>
      {name.title}
      {others.length > 0 && ` (+${others.length})`}
    </strong>
  );
}

function describe({ title, author, entity, written }: Note): string {
  return `${title}: by ${author}, ${formatTime(written).slice(0, 19)}${entity === null ? "" : `, on ${entityName(entity)}`}`;
}

function Facts({ recording: { to, events, entities } }: { recording: Recording }) {
  return (
    <p class="muted">
      to {formatTime(to).slice(0, 19)} · {events === null ? "too many events to count" : counted(events, "event")}
      {entities !== null && entities !== 1 && ` · ${counted(entities, "entities")}`}
    </p>
  );
}

function counted(count: number, what: string): string {
  const many = what.endsWith("s") || count === 1 ? what : `${what}s`;
  return `${count.toLocaleString("en")} ${many}`;
}

interface ToolsProps {
  recording: Recording;
  title: string;
  isNaming: boolean;
  toggleNaming: () => void;
}

function Tools({ recording, title, isNaming, toggleNaming }: ToolsProps) {
  return (
    <>
      <button type="button" class="recording-key" aria-label={`To the end of ${title}`} title="Fit it into view, and set the clock to its end" data-testid="recording-end" onClick={() => goToRecording(recording, "to")}>
        End
      </button>
      <button type="button" class="recording-key" aria-label={`Select ${title}`} title="Make it the timeline's selection, for loops and exports" data-testid="recording-select" onClick={() => selectRecording(recording)}>
        Select
      </button>
      <button type="button" class="recording-key" aria-label={`Name of ${title}`} aria-expanded={isNaming} data-testid="recording-rename" onClick={toggleNaming}>
        {ownName(recording) === undefined ? "Name" : "Rename"}
      </button>
    </>
  );
}

interface NameFormProps {
  recording: Recording;
  close: () => void;
}

function NameForm({ recording, close }: NameFormProps) {
  const own = ownName(recording);
  const [draft, setDraft] = useState(own?.title ?? "");
  const input = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    // What is typed next is the name, not keys of the page.
    input.current?.focus();
    form.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const refusal = nameRefusal.value;
  const cannot = refusal !== "" || isSavingName.value;
  const closeIf = (isDone: boolean) => isDone && close();
  return (
    <form
      ref={form}
      class="recording-naming"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.trim() !== "") void saveName(recording, draft).then(closeIf);
      }}
    >
      <input
        ref={input}
        aria-label="Name"
        placeholder="Name"
        maxLength={NOTE_TITLE_MAX_CHARS}
        data-testid="recording-name-input"
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
      />
      <button type="submit" class="primary" disabled={cannot || draft.trim() === ""} title={refusal} data-testid="recording-name-save">
        Save
      </button>
      {own !== undefined && (
        <button type="button" disabled={cannot} title={refusal} data-testid="recording-name-withdraw" onClick={() => void withdrawName(own).then(closeIf)}>
          Withdraw
        </button>
      )}
      {nameError.value !== "" && (
        <p class="form-problem" role="alert">
          {nameError.value}
        </p>
      )}
      {refusal !== "" && (
        <p class="muted why" role="status" data-testid="recording-name-refusal">
          {refusal}{" "}
          {state.value !== "LIVE" && (
            <button type="button" data-testid="recording-name-live" onClick={goLive}>
              Go LIVE
            </button>
          )}
        </p>
      )}
    </form>
  );
}
