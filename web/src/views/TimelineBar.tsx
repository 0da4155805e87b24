/** The timeline bar: the clock, its state, and everything that moves it. */

import { useState } from "preact/hooks";
import { readable, typed } from "../model/time";
import {
  backwards,
  chooseDirection,
  chooseRate,
  chooseTimebase,
  cursor,
  goLive,
  pause,
  play,
  type Rate,
  rate,
  RATES,
  seek,
  state,
  type Timebase,
  timebase,
} from "../model/timeline";
import { Slider } from "./Slider";

export function TimelineBar() {
  return (
    <footer class="timeline" aria-label="Timeline">
      <Slider />
      <div class="controls">
        <span class={`state ${state.value.toLowerCase()}`} data-testid="state" aria-live="polite">
          {state.value}
        </span>
        <time class="cursor" data-testid="cursor" data-time={cursor.value}>
          {readable(cursor.value)} <span class="muted">UTC</span>
        </time>
        <Transport />
        <span class="spacer" />
        <Seek />
        <label>
          Clock{" "}
          <select
            data-testid="timebase"
            value={timebase.value}
            onChange={(event) => chooseTimebase(event.currentTarget.value as Timebase)}
          >
            <option value="source">source time</option>
            <option value="canonical">receive time</option>
          </select>
        </label>
      </div>
    </footer>
  );
}

function Transport() {
  const live = state.value === "LIVE";
  return (
    <div class="buttons" role="group" aria-label="Playback">
      <button
        type="button"
        class={live ? "on live" : ""}
        aria-pressed={live}
        data-testid="live"
        onClick={goLive}
      >
        LIVE
      </button>
      <button
        type="button"
        class={live ? "" : "on"}
        aria-pressed={!live}
        data-testid="replay"
        onClick={() => live && pause()}
      >
        REPLAY
      </button>
      <button
        type="button"
        data-testid="direction"
        aria-pressed={backwards.value}
        title={backwards.value ? "plays backwards" : "plays forwards"}
        onClick={() => chooseDirection(!backwards.value)}
      >
        {backwards.value ? "◀ backwards" : "forwards ▶"}
      </button>
      <button
        type="button"
        class="primary"
        data-testid="play"
        onClick={() => (state.value === "PLAYING" || live ? pause() : play())}
      >
        {state.value === "PAUSED" ? "Play" : "Pause"}
      </button>
      <select
        aria-label="Rate"
        data-testid="rate"
        value={String(rate.value)}
        onChange={(event) => chooseRate(asRate(event.currentTarget.value))}
      >
        {RATES.map((one) => (
          <option key={one} value={String(one)}>
            {one === "max" ? "max" : `${one}×`}
          </option>
        ))}
      </select>
    </div>
  );
}

function asRate(text: string): Rate {
  return text === "max" ? "max" : Number(text);
}

function Seek() {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const go = (event: Event) => {
    event.preventDefault();
    const time = typed(text);
    setWrong(time === undefined);
    if (time !== undefined) seek(time);
  };
  return (
    <form class="seek" onSubmit={go}>
      <input
        data-testid="seek-input"
        aria-label="Go to a time, UTC"
        aria-invalid={wrong}
        class={wrong ? "wrong" : ""}
        placeholder="2026-01-31 12:00:00 UTC"
        title="A time such as 2026-01-31T12:00:00Z; UTC if you name no zone"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" data-testid="seek-go">
        Go
      </button>
    </form>
  );
}
