/** Recordings and passes: the stretches of telemetry between silences, with the names that people gave them. */

import { useEffect, useRef, useState } from "preact/hooks";
import { timebase } from "../model/clock/clock";
import { isNotesCut } from "../model/notes/notes";
import { chooseNone, chosenRecordings, openAsLanes } from "../model/recordings/recording_actions";
import {
  areRecordingsAsked,
  listedRecordings,
  readOlderRecordings,
  recordings,
  recordingSearch,
  recordingsError,
  recordingSource,
  recordingsReached,
  shownOptions,
  usedGapS,
} from "../model/recordings/recordings";
import { GAP_CHOICES, gapText, RECORDINGS_OF, type RecordingsOptions } from "../model/recordings/recordings_kind";
import { formatTime } from "../model/values/time";
import "../recordings.css";
import { moveRowFocus } from "./grid_focus";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { RecordingRow } from "./RecordingRow";

/** More rows than these are drawn only on request. */
const DRAWN_MAX = 200;

export function Recordings({ panel, options, change }: PanelProps<RecordingsOptions>) {
  useEffect(() => void (shownOptions.value = options), [options]);
  useEffect(() => () => void (shownOptions.value = null), []);
  return (
    <Pane id={panel.id} tools={<Search />}>
      <Choices options={options} change={change} />
      <ErrorNotice text={recordingsError.value} />
      <Content options={options} />
      <Chosen />
    </Pane>
  );
}

function Search() {
  return (
    <input
      type="search"
      placeholder="Search"
      aria-label="Search recordings by name or time"
      data-testid="recording-search"
      value={recordingSearch.value}
      onInput={(event) => (recordingSearch.value = event.currentTarget.value)}
    />
  );
}

interface ChoicesProps {
  options: RecordingsOptions;
  change: (options: RecordingsOptions) => void;
}

function Choices({ options, change }: ChoicesProps) {
  const gapS = usedGapS.value;
  const learnt = gapS === null ? "learnt" : `learnt: ${gapText(gapS)}`;
  return (
    <div class="recording-choices">
      <Choice label="Recordings" testid="recordings-of" value={options.of ?? "entity"} choices={RECORDINGS_OF} choose={(of) => change({ ...options, of })} />
      <label>
        gap over
        <Choice
          label="Silences that divide recordings are longer than"
          testid="recordings-gap"
          value={options.gap ?? "learnt"}
          choices={{ ...GAP_CHOICES, learnt }}
          choose={(gap) => change({ ...options, gap })}
        />
      </label>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  testid: string;
  value: T;
  choices: Readonly<Record<T, string>>;
  choose: (value: T) => void;
}

function Choice<T extends string>({ label, testid, value, choices, choose }: ChoiceProps<T>) {
  return (
    <select aria-label={label} data-testid={testid} value={value} onChange={(event) => choose(event.currentTarget.value as T)}>
      {(Object.entries(choices) as [T, string][]).map(([key, name]) => (
        <option key={key} value={key}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Content({ options }: { options: RecordingsOptions }) {
  const all = recordings.value;
  if (recordingSource.value === null) {
    return <Empty testid="recordings-empty">Select an entity in the tree, or choose “{RECORDINGS_OF.all}”.</Empty>;
  }
  if (all === null) return <Empty>Looking for recordings…</Empty>;
  if (all.length === 0 && recordingsReached.value === null) return <Nothing options={options} />;
  return <List />;
}

function Nothing({ options }: { options: RecordingsOptions }) {
  return (
    <Empty testid="recordings-empty">
      {(options.of ?? "entity") === "all"
        ? "There is no telemetry yet. Publish a recording, for example "
        : `There is no telemetry here. Select another entity, choose “${RECORDINGS_OF.all}”, or publish a recording, for example `}
      <code>nova produce FILE --to URL --scope ID</code>
    </Empty>
  );
}

function List() {
  const [drawn, setDrawn] = useState(DRAWN_MAX);
  const element = useRef<HTMLUListElement>(null);
  const found = listedRecordings.value;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Recordings">
      <ul class="recording-list" ref={element} data-testid="recordings" onKeyDown={(event) => moveRowFocus(event, element.current as HTMLElement, ".recording-key")}>
        {found.slice(0, drawn).map((one) => (
          <RecordingRow key={one.from} recording={one} />
        ))}
      </ul>
      {found.length === 0 && recordingSearch.value.trim() !== "" && <p class="muted why">No recording has “{recordingSearch.value}” in its name or times.</p>}
      {found.length > drawn && (
        <button type="button" class="more" onClick={() => setDrawn(drawn + DRAWN_MAX)}>
          {(found.length - drawn).toLocaleString("en")} more
        </button>
      )}
      <Older />
      {isNotesCut.value && <p class="muted why">There are more names than are read: only those that were written last are shown.</p>}
    </div>
  );
}

/** How far back the archive was looked through, and a button to continue. */
function Older() {
  const reached = recordingsReached.value;
  if (reached === null) return null;
  return (
    <p class="muted why" data-testid="recordings-older">
      The archive was looked through back to {formatTime(reached).slice(0, 19)}.{" "}
      <button type="button" class="more" disabled={areRecordingsAsked.value} data-testid="recordings-read-on" onClick={readOlderRecordings}>
        Look further back
      </button>
    </p>
  );
}

/** What is done with the chosen recordings. */
function Chosen() {
  const count = chosenRecordings.value.length;
  if (count === 0) return null;
  return (
    <p class="recording-chosen" role="group" aria-label="Chosen recordings">
      <span>{count} chosen</span>
      <button type="button" class="primary" data-testid="recordings-lanes" title={`An aligned plot of them from their begins, by ${timebase.value === "source" ? "source" : "receive"} time`} onClick={openAsLanes}>
        As lanes
      </button>
      <button type="button" onClick={chooseNone}>
        None
      </button>
    </p>
  );
}
