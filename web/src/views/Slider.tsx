/** The slider: the whole archive, and where in it the clock stands. */

import { extent } from "../model/overview";
import { hold, lineMs, release } from "../model/scrub";
import { fromMs, readable } from "../model/time";
import { state } from "../model/timeline";

export function Slider() {
  const known = extent.value ?? undefined;
  const first = Math.floor(known?.startMs ?? lineMs.value);
  const end = known?.stopMs ?? lineMs.value;
  const last = Math.ceil(Math.max(first + 1, state.value === "LIVE" ? Math.max(end, lineMs.value) : end));
  const at = Math.min(last, Math.max(first, lineMs.value));
  return (
    <div class="slider">
      <time class="muted" title="The first event">
        {known === undefined ? "–" : readable(fromMs(first))}
      </time>
      <input
        type="range"
        aria-label="Position in the whole archive"
        aria-valuetext={`${readable(fromMs(at))} UTC`}
        data-testid="slider"
        disabled={known === undefined}
        min={first}
        max={last}
        step="1"
        value={Math.round(at)}
        onInput={(event) => hold(Number(event.currentTarget.value))}
        onChange={release}
      />
      <time class="muted" title="The last event">
        {known === undefined ? "–" : readable(fromMs(last))}
      </time>
    </div>
  );
}
