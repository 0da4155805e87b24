/** The slider: the known archive or its newest part, and where the clock stands in it. */

import { signal } from "@preact/signals";
import { REACHES, type Reach, reach, span } from "../model/entities";
import { scrub } from "../model/scrub";
import { fromMs, readable } from "../model/time";
import { cursorMs } from "../model/timeline";

/** Where the thumb is held; the clock must not pull it away. */
const held = signal<number | undefined>(undefined);

export function Slider() {
  const [first, last] = span.value;
  const at = Math.min(last, Math.max(first, held.value ?? cursorMs.value));
  return (
    <div class="slider">
      <select
        aria-label="How much of the archive the slider covers"
        data-testid="reach"
        value={reach.value}
        onChange={(event) => (reach.value = event.currentTarget.value as Reach)}
      >
        {Object.keys(REACHES).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <time class="muted">{readable(fromMs(first))}</time>
      <input
        type="range"
        aria-label="Position in the archive"
        aria-valuetext={readable(fromMs(at))}
        data-testid="slider"
        min={first}
        max={last}
        step="1"
        value={at}
        onInput={(event) => {
          held.value = Number(event.currentTarget.value);
          scrub(held.value);
        }}
        onChange={() => (held.value = undefined)}
      />
      <time class="muted">{readable(fromMs(last))}</time>
    </div>
  );
}
