/**
 * Says to the server where the clock stands while no stream moves it: who looks at the past commands nothing,
 * whichever of its tabs or keys is asked. Being LIVE or playing needs no word, for the server knows what it streams.
 */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { connection, request } from "../session/session";
import { cursor, state } from "./clock";

/** A clock that is dragged about is told no more often. */
const REPORT_INTERVAL_MS = 250;

let isReported = false;
const pace = scheduler.slot();

/** State the clock from now on; called once. */
export function startCursorReport(): void {
  effect(() => {
    if (connection.value !== "open" || state.value !== "PAUSED") {
      isReported = false;
      return;
    }
    void cursor.value;
    untracked(scheduleReport);
  });
}

/** At once where it is the first word of a pause, else when the clock has had time to move on. */
function scheduleReport(): void {
  if (!isReported) {
    reportCursor();
    return;
  }
  pace.startIfIdle(REPORT_INTERVAL_MS, () => {
    if (isReported) reportCursor();
  });
}

function reportCursor(): void {
  isReported = true;
  request({ type: "setCursor", time: cursor.value }, "cursorSet").catch(() => undefined);
}
