/** Moves of the clock and the span: a page that is not LIVE is not sent what others add, and asks for it then. */

import { effect } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { jumps, state } from "../clock/clock";
import { visible } from "./span";

const REST_MS = 300;
/** How often a replay counts as a move, in which the clock never rests. */
export const PLAYING_INTERVAL_MS = 5_000;

/** Work once the clock or the span has moved and rests, and now and then in a replay; never in LIVE. */
export function followMoves(work: () => void): void {
  const rest = scheduler.slot();
  let isFirst = true;
  effect(() => {
    void [jumps.value, visible.value];
    if (!isFirst && state.peek() !== "LIVE") rest.restart(REST_MS, work);
    isFirst = false;
  });
  scheduler.every(PLAYING_INTERVAL_MS, work, { when: () => state.value === "PLAYING", pausesWhenHidden: true });
}
