/** Above the strip: what its colours and signs mean, what is seen, and how to see something else. */

import { STEP_KINDS, type StepKind, stepKind } from "../model/anchor";
import { copyText } from "../model/clipboard";
import { isExporting, openExport } from "../model/exporting";
import { countIn, LANES } from "../model/density";
import { showEverything, zoom, zoomTo } from "../model/gesture";
import { say } from "../model/hint";
import { moreMarkers, shownPicture } from "../model/overview";
import { address } from "../model/share";
import { skipping } from "../model/skip";
import { length, select, selection, visible } from "../model/span";
import { lengthInWords } from "../model/ticks";
import { fromMs, readable } from "../model/time";
import { chooseLoop, looping } from "../model/timeline";

const ZOOM = 2;

export function Legend() {
  return (
    <div class="legend">
      <ul aria-label="Lanes and marks" title="A bar is as high as the square root of its number of events">
        {LANES.map((lane) => (
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
      </ul>
      <span class="spacer" />
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
        <button type="button" title="Copy a link to this moment" data-testid="copy-link" onClick={() => void copyLink()}>
          Link
        </button>
        <button
          type="button"
          class={isExporting.value ? "on" : ""}
          title="Export the selection, or what is seen, to files"
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
  const picture = shownPicture();
  const count = picture === undefined ? "" : ` · ${countIn(picture, visible.value).toLocaleString("en")} events`;
  return (
    <span class="seen muted" data-testid="seen">
      {lengthInWords(length(visible.value))}
      {count}
    </span>
  );
}

function Selected() {
  const range = selection.value;
  if (range === null) return null;
  const title = `${readable(fromMs(range.startMs))} – ${readable(fromMs(range.stopMs))} UTC`;
  return (
    <span class="buttons selected-span" role="group" aria-label="Selection" data-testid="selection" title={title}>
      <button type="button" onClick={() => zoomTo(range)}>
        Selection {lengthInWords(length(range))}
      </button>
      <button type="button" aria-label="Forget the selection" onClick={() => select(null)}>
        ×
      </button>
    </span>
  );
}

/** How a replay goes through what is selected, and through nothing. */
function Ways() {
  const loopTitle = selection.value === null ? "Loop a selection: drag with Shift to select" : "Loop the selection (O)";
  return (
    <span class="buttons" role="group" aria-label="Ways to play">
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
        class={skipping.value ? "on" : ""}
        aria-pressed={skipping.value}
        data-testid="skip"
        title="Jump over gaps (G)"
        onClick={() => (skipping.value = !skipping.value)}
      >
        Skip gaps
      </button>
    </span>
  );
}

async function copyLink(): Promise<void> {
  const isCopied = await copyText(address());
  say(isCopied ? "The link is copied." : "The address of this page is the link.");
}
