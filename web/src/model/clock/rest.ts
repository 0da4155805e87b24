/** A paused page asks for nothing by itself: the Core sends what changes of the present. */

import { state } from "./clock";

/** What has been loaded longer ago is loaded again once a paused page moves. */
export const REST_INTERVAL_MS = 10_000;

/** Whether the clock stands still. */
export function isResting(): boolean {
  return state.value === "PAUSED";
}
