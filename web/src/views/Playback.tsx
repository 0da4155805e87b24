/** The buttons that move the clock: the mode, steps, the direction, play, the rate. */

import {
  backwards,
  chooseDirection,
  chooseRate,
  pause,
  play,
  type Rate,
  rate,
  RATES,
  state,
} from "../model/clock/clock";
import { step } from "../model/clock/cursor_event";
import { goToPresent, runAction } from "../model/timeline/timeline_sync";
import { Icon } from "./Icon";

export function Playback() {
  return (
    <>
      <Mode />
      <div class="buttons" role="group" aria-label="Playback">
        <StepButton direction="previous" />
        <DirectionButton />
        <PlayButton />
        <StepButton direction="next" />
        <RateChoice />
      </div>
    </>
  );
}

function Mode() {
  const live = state.value === "LIVE";
  return (
    <div class="buttons" role="group" aria-label="Mode">
      <button
        type="button"
        class={live ? "on live" : ""}
        aria-pressed={live}
        data-testid="live"
        title="Follow the present (L)"
        onClick={goToPresent}
      >
        LIVE
      </button>
      <button
        type="button"
        class={live ? "" : "on"}
        aria-pressed={!live}
        data-testid="replay"
        title="Replay the past"
        onClick={() => live && pause()}
      >
        REPLAY
      </button>
    </div>
  );
}

function StepButton({ direction }: { direction: "next" | "previous" }) {
  const isNext = direction === "next";
  return (
    <button
      type="button"
      aria-label={isNext ? "Next event" : "Previous event"}
      title={isNext ? "Next event (→)" : "Previous event (←)"}
      data-testid={`step-${direction}`}
      onClick={() => runAction(step(direction))}
    >
      <Icon name={direction} />
    </button>
  );
}

function DirectionButton() {
  return (
    <button
      type="button"
      data-testid="direction"
      aria-pressed={backwards.value}
      aria-label="Backwards"
      title={backwards.value ? "Direction: backwards (R)" : "Direction: forwards (R)"}
      onClick={() => chooseDirection(!backwards.value)}
    >
      <Icon name={backwards.value ? "backwards" : "forwards"} />
    </button>
  );
}

function PlayButton() {
  const paused = state.value === "PAUSED";
  return (
    <button
      type="button"
      class="primary"
      data-testid="play"
      title="Play or pause (space)"
      onClick={() => (paused ? play() : pause())}
    >
      {paused ? "Play" : "Pause"}
    </button>
  );
}

function RateChoice() {
  return (
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
  );
}

function asRate(text: string): Rate {
  return text === "max" ? "max" : Number(text);
}
