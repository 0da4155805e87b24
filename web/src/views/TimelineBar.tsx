/** The timeline bar: the clock, its state, and its controls. */

import { cursor, isStalled, state, type Timebase, timebase } from "../model/clock/clock";
import { conflation, conflationText, isBehind, pinNotice } from "../model/clock/conflation_notice";
import { cursorEvent, otherTime, otherTimebase, switchTimebase } from "../model/clock/cursor_event";
import { entityName } from "../model/entities/entity_names";
import { cursorLineMs, heldMs } from "../model/timeline/scrub";
import { runAction } from "../model/timeline/timeline_sync";
import { eventTime } from "../model/values/event";
import { formatTime, fromFineMs } from "../model/values/time";
import "../timeline.css";
import { GivenBackSign } from "./GivenBackSign";
import { Legend } from "./Legend";
import { Playback } from "./Playback";
import { Slider } from "./Slider";
import { TimeEntry } from "./TimeEntry";
import { TimelineStrip } from "./TimelineStrip";

const CLOCKS: Record<Timebase, string> = { source: "source time", canonical: "receive time" };
const EVENT_SAYS: Record<Timebase, string> = { source: "made", canonical: "received" };

export function TimelineBar() {
  return (
    <footer class="timeline" aria-label="Timeline" onClick={giveKeysBack}>
      <Legend />
      <TimelineStrip />
      <Slider />
      <div class="controls">
        <span
          class={`state ${state.value.toLowerCase()} ${isStalled.value ? "away" : ""}`}
          title={isStalled.value ? "No data is being received" : undefined}
          data-testid="state"
          aria-live="polite"
        >
          {state.value}
        </span>
        <Clock />
        <Playback />
        <BehindSign />
        <GivenBackSign />
        <span class="spacer" />
        <TimeEntry />
        <select
          aria-label="Clock"
          title="The clock that orders events (T)"
          data-testid="timebase"
          value={timebase.value}
          onChange={(event) => runAction(switchTimebase(event.currentTarget.value as Timebase))}
        >
          {Object.entries(CLOCKS).map(([base, name]) => (
            <option key={base} value={base}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </footer>
  );
}

/** A clicked button loses the focus, so that the space bar plays; a button pressed by keyboard keeps it. */
function giveKeysBack(event: MouseEvent): void {
  if (event.detail > 0) (event.target as HTMLElement).closest("button")?.blur();
}

/** Shows that this browser is, or was, too slow for LIVE. */
function BehindSign() {
  const of = conflation.value;
  if (of === null) return null;
  return (
    <button
      type="button"
      class={`behind-sign ${isBehind.value ? "now" : ""}`}
      title={conflationText(of)}
      data-testid="behind-sign"
      onClick={pinNotice}
    >
      {isBehind.value ? "behind" : "was behind"}
    </button>
  );
}

/** The cursor's time, and below it the other timebase's time of the newest event up to it. */
function Clock() {
  const shown = heldMs.value === undefined ? cursor.value : fromFineMs(cursorLineMs.value);
  const also = otherTime.value;
  const event = cursorEvent.value;
  const name = event === null ? "" : ` (${entityName(event)} ${event.viewId ?? event.messageType ?? event.lane})`;
  return (
    <div class="clock">
      <time class="cursor" data-testid="cursor" data-time={cursor.value}>
        {formatTime(shown)} <span class="muted">UTC</span>
      </time>
      <span
        class="other muted"
        title={`The newest event up to the cursor${name}, by the other clock`}
        data-testid="other-time"
        data-time={also ?? ""}
        data-event-time={event === null ? "" : eventTime(event, timebase.value)}
      >
        {EVENT_SAYS[otherTimebase(timebase.value)]} {also === undefined ? "–" : formatTime(also)}
      </span>
    </div>
  );
}
