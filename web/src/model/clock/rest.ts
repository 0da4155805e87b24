/** A paused page changes only by late data and by news of the present, so it asks for them seldom. */

import type { Rest } from "../../scheduler";
import { state } from "./clock";

export const REST_INTERVAL_MS = 10_000;

/** Whether the clock stands still. */
export function isResting(): boolean {
  return state.value === "PAUSED";
}

/** What is asked for at an interval is asked for less often while the clock stands still. */
export const WHILE_PAUSED: Rest = { isResting, intervalMs: REST_INTERVAL_MS };
