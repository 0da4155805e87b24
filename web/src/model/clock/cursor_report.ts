/**
 * Reports a paused clock to the server, which refuses commands from anyone who looks at the past,
 * from any tab. LIVE and playing clocks need no report, because the server knows what it streams.
 */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { connection, request } from "../session/session";
import { cursor, state } from "./clock";

/** A dragged clock is reported at most this often. */
const REPORT_INTERVAL_MS = 250;

let isReported = false;
const pace = scheduler.slot();

/** Start reporting. Call once. */
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

/** Report at once when a pause begins, later changes at the pace. */
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
