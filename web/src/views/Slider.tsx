/** The slider: the whole archive up to now, with the clock's position. */

import { state } from "../model/clock/clock";
import { cursorLineMs, holdCursor, releaseCursor } from "../model/timeline/scrub";
import { AHEAD_MAX, extent } from "../model/timeline/timeline_data";
import { goToDatedAhead } from "../model/timeline/timeline_sync";
import { formatTime, fromMs } from "../model/values/time";

/** Shows the number of events dated ahead; a click goes to them. */
function AheadSign() {
  const ahead = extent.value?.ahead;
  if (ahead === undefined) return null;
  const { count, lastMs } = ahead;
  const many = `${count.toLocaleString("en")}${count < AHEAD_MAX ? "" : " or more"} ${count === 1 ? "event" : "events"}`;
  const last = formatTime(fromMs(lastMs));
  return (
    <button
      type="button"
      class="ahead-sign"
      title={`${many} dated ahead of now, the last ${last}: show`}
      data-testid="ahead-show"
      onClick={goToDatedAhead}
    >
      {many} dated ahead, the last {last.slice(0, 10)}: show
    </button>
  );
}

export function Slider() {
  const known = extent.value ?? undefined;
  const first = Math.floor(known?.startMs ?? cursorLineMs.value);
  const end = known?.stopMs ?? cursorLineMs.value;
  const last = Math.ceil(Math.max(first + 1, state.value === "LIVE" ? Math.max(end, cursorLineMs.value) : end));
  const at = Math.min(last, Math.max(first, cursorLineMs.value));
  return (
    <div class="slider">
      <time class="muted" title="The first event">
        {known === undefined ? "–" : formatTime(fromMs(first))}
      </time>
      <input
        type="range"
        aria-label="Position in the whole archive"
        aria-valuetext={`${formatTime(fromMs(at))} UTC`}
        data-testid="slider"
        disabled={known === undefined}
        min={first}
        max={last}
        step="1"
        value={Math.round(at)}
        onInput={(event) => holdCursor(Number(event.currentTarget.value))}
        onChange={releaseCursor}
      />
      <time class="muted" title="The last event up to now">
        {known === undefined ? "–" : formatTime(fromMs(last))}
      </time>
      <AheadSign />
    </div>
  );
}
