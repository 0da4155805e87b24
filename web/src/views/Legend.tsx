/** Above the strip: the legend, the visible span, selection, playback options, zoom and export. */

import { chooseLoop, looping } from "../model/clock/clock";
import { STEP_KINDS, type StepKind, stepKind } from "../model/clock/cursor_event";
import { isSkippingGaps } from "../model/clock/gap_skip";
import { isExporting, openExport } from "../model/exports/export_status";
import { noteMarkers } from "../model/notes/notes";
import { matchMarkers, searches } from "../model/search/searches";
import { countIn, DENSITY_LANES } from "../model/timeline/density";
import { showEverything, zoom, zoomToRange } from "../model/timeline/gesture";
import { selection, setSelection, spanLength, visible } from "../model/timeline/span";
import { durationText } from "../model/timeline/ticks";
import { moreAlarms, moreMarkers, shownTile } from "../model/timeline/timeline_data";
import { formatTime, fromMs } from "../model/values/time";
import { KnownChip } from "./KnownAt";
import { copyViewLink } from "./copy_link";

const ZOOM = 2;

export function Legend() {
  return (
    <div class="legend">
      <ul aria-label="Lanes and marks" title="A bar is as high as the square root of its number of events">
        {DENSITY_LANES.map((lane) => (
          <li key={lane}>
            <i class={`swatch ${lane}`} />
            {lane === "command" && <i class="sign command" />}
            {lane}
          </li>
        ))}
        <li>
          <i class="sign gap" />
          gap
        </li>
        <li>
          <i class="sign chat" />
          {moreMarkers.value ? "chat (newest)" : "chat"}
        </li>
        <li>
          <i class="sign alarm" />
          {moreAlarms.value ? "alarm (newest)" : "alarm"}
        </li>
        {noteMarkers.value.length > 0 && (
          <li>
            <i class="sign note" />
            note
          </li>
        )}
        {matchMarkers.value.length > 0 && (
          <li>
            <i class="sign match" />
            {searches.value.some(({ isCut }) => isCut) ? "match (some)" : "match"}
          </li>
        )}
      </ul>
      <span class="spacer" />
      <KnownChip />
      <Seen />
      <Selected />
      <Ways />
      <select
        aria-label="Steps stop at"
        title="Steps stop at"
        data-testid="step-kind"
        value={stepKind.value}
        onChange={(event) => (stepKind.value = event.currentTarget.value as StepKind)}
      >
        {Object.entries(STEP_KINDS).map(([kind, name]) => (
          <option key={kind} value={kind}>
            {name}
          </option>
        ))}
      </select>
      <span class="buttons" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoom(ZOOM)}>
          −
        </button>
        <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoom(1 / ZOOM)}>
          +
        </button>
        <button type="button" title="Show everything (0)" data-testid="zoom-all" onClick={showEverything}>
          All
        </button>
        <button type="button" title="Copy a link to this view" data-testid="copy-link" onClick={copyViewLink}>
          Link
        </button>
        <button
          type="button"
          class={isExporting.value ? "on" : ""}
          title="Export the selection or the visible span to files"
          data-testid="export-open"
          onClick={openExport}
        >
          {isExporting.value ? "Exporting…" : "Export"}
        </button>
      </span>
    </div>
  );
}

function Seen() {
  const picture = shownTile();
  const count = picture === undefined ? "" : ` · ${countIn(picture, visible.value).toLocaleString("en")} events`;
  return (
    <span class="seen muted" data-testid="seen">
      {durationText(spanLength(visible.value))}
      {count}
    </span>
  );
}

function Selected() {
  const range = selection.value;
  if (range === null) return null;
  const title = `${formatTime(fromMs(range.startMs))} – ${formatTime(fromMs(range.stopMs))} UTC`;
  return (
    <span class="buttons selected-span" role="group" aria-label="Selection" data-testid="selection" title={title}>
      <button type="button" onClick={() => zoomToRange(range)}>
        Selection {durationText(spanLength(range))}
      </button>
      <button type="button" aria-label="Clear the selection" onClick={() => setSelection(null)}>
        ×
      </button>
    </span>
  );
}

/** Loop and gap skipping. */
function Ways() {
  const loopTitle = selection.value === null ? "Loop a selection: drag with Shift to select" : "Loop the selection (O)";
  return (
    <span class="buttons" role="group" aria-label="Playback options">
      <button
        type="button"
        class={looping.value ? "on" : ""}
        aria-pressed={looping.value}
        data-testid="loop"
        title={loopTitle}
        onClick={() => chooseLoop(!looping.value)}
      >
        Loop
      </button>
      <button
        type="button"
        class={isSkippingGaps.value ? "on" : ""}
        aria-pressed={isSkippingGaps.value}
        data-testid="skip"
        title="Jump over gaps (G)"
        onClick={() => (isSkippingGaps.value = !isSkippingGaps.value)}
      >
        Skip gaps
      </button>
    </span>
  );
}
