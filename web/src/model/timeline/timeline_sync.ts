/** Keeps the timeline in sync: the span follows the clock, and its data is requested. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { isMomentShown, openedByLink } from "../address/url_sync";
import { backwards, cursor, goLive, jumps, seek, state, timebase } from "../clock/clock";
import { updateConflation } from "../clock/conflation_notice";
import { clearCursorEvent, cursorEvent, refreshCursorEvent, revealCursor } from "../clock/cursor_event";
import { clearNextEvent, skipGap } from "../clock/gap_skip";
import { isResting } from "../clock/rest";
import { listDatedAhead } from "../events/inspector";
import { showPanel } from "../layout/layout_store";
import { showToast } from "../page/toast";
import { connection, recoveries } from "../session/session";
import { toFineMs } from "../values/time";
import { heldMs } from "./scrub";
import { followSpan, setVisible, type Span, spanContains, visible, withMargin } from "./span";
import {
  extent,
  fullSpan,
  invalidateTimelineData,
  isTimelineDue,
  PRESENT_INTERVAL_MS,
  presentMs,
  refreshExtent,
  requestTimelineData,
  timelineWidth,
} from "./timeline_data";

const EXTENT_INTERVAL_MS = 3_000;
const CURSOR_EVENT_INTERVAL_MS = 1_000;
/** How long the cursor has to rest before the event under it is requested. */
const CURSOR_EVENT_REST_MS = 150;

const cursorRest = scheduler.slot();
let askedCursor = "";
/** Whether the span moves to the clock even if the clock is out of view. */
let isFollowForced = false;
/** The span that shows the events dated ahead, and the span before it. */
let datedAheadView: { before: Span; span: Span } | undefined;

/** Connect the timeline's models; called once. */
export function startTimelineSync(): void {
  followClock();
  effect(() => {
    void [visible.value, timelineWidth.value, timebase.value];
    requestTimelineData();
  });
  effect(() => {
    void jumps.value;
    untracked(() => {
      clearNextEvent();
      clearCursorEvent();
      askedCursor = "";
      scheduleCursorEvent();
    });
  });
  effect(() => {
    void timebase.value;
    untracked(() => isOpen() && ignoreFailure(refreshExtent()));
  });
  let isOpened = false;
  effect(() => {
    if (openedByLink.value === null || isOpened) return;
    isOpened = true;
    untracked(() => ignoreFailure(openTimeline()));
  });
  recoveries.subscribe(reopenTimeline);
  scheduler.every(PRESENT_INTERVAL_MS, tick);
  scheduler.every(EXTENT_INTERVAL_MS, () => ignoreFailure(refreshExtent()), { when: () => isOpen() && !isResting() });
  scheduler.every(CURSOR_EVENT_INTERVAL_MS, scheduleCursorEvent);
}

/** Once the moment is open: what the archive has around it. */
export async function openTimeline(): Promise<void> {
  try {
    await refreshExtent();
    if (openedByLink.value !== true) showFirst();
  } finally {
    isMomentShown.value = true;
  }
}

/** Replies are to be had again: anything may have changed. */
function reopenTimeline(): void {
  extent.value = extent.value === null ? undefined : extent.value;
  invalidateTimelineData();
  ignoreFailure(refreshExtent());
}

/** Show the last minutes, or the whole archive if its newest event is older. */
function showFirst(): void {
  const all = fullSpan();
  if (all === undefined || extent.value == null || spanContains(visible.value, extent.value.stopMs)) return;
  if (extent.value.stopMs > visible.value.stopMs) return;
  visible.value = all;
}

/** Show the events dated ahead: the span covers them, the inspector lists them, the clock is at the first. */
export function goToDatedAhead(): void {
  const ahead = extent.value?.ahead;
  if (ahead === undefined) return;
  const before = visible.value;
  setVisible(withMargin(toFineMs(ahead.nextTime), ahead.lastMs));
  datedAheadView = { before, span: visible.value };
  listDatedAhead();
  showPanel("inspector");
  seek(ahead.nextTime);
}

/** Go LIVE as a person does: the span moves to the present too, with its width from before it went ahead. */
export function goToPresent(): void {
  if (datedAheadView?.span === visible.value) visible.value = datedAheadView.before;
  datedAheadView = undefined;
  isFollowForced = true;
  goLive();
}

/** A span that contains the clock moves with it; one that a person has moved away from the clock does not. */
function followClock(): void {
  let beforeMs = toFineMs(cursor.value);
  effect(() => {
    const atMs = toFineMs(cursor.value);
    const wasMs = beforeMs;
    beforeMs = atMs;
    untracked(() => {
      if (heldMs.value !== undefined || atMs === wasMs) return;
      if (state.value === "PAUSED") revealCursor();
      else if (spanContains(visible.value, wasMs) || (isFollowForced && state.value === "LIVE")) moveAlong(atMs);
    });
  });
}

function moveAlong(atMs: number): void {
  isFollowForced = false;
  const how = state.value === "LIVE" ? "slide" : "page";
  visible.value = followSpan(visible.value, atMs, how, backwards.value);
}

/** Periodic work: refresh stale data, skip a gap, hide a notice. */
function tick(): void {
  updateConflation(Date.now());
  if (document.hidden) return;
  presentMs.value = Date.now();
  if (!isOpen()) return;
  if (isTimelineDue(Date.now())) requestTimelineData();
  ignoreFailure(skipGap());
}

/** Request the event under the cursor when it rests, and at intervals while it moves. */
function scheduleCursorEvent(): void {
  if (!isOpen() || state.value === "LIVE" || askedCursor === cursor.value) return;
  if (state.value === "PLAYING" && cursorEvent.value !== null && !backwards.value) return;
  cursorRest.restart(CURSOR_EVENT_REST_MS, () => {
    if (heldMs.value !== undefined || state.value === "LIVE") return;
    askedCursor = cursor.value;
    ignoreFailure(refreshCursorEvent());
  });
}

/** Run a user's action; a failure is shown as a toast. */
export function runAction(work: Promise<void>): void {
  work.catch((error: Error) => showToast(error.message));
}

function isOpen(): boolean {
  return connection.value === "open";
}

/** A failed request is retried by the next tick; the banner shows the reason. */
function ignoreFailure(work: Promise<void>): void {
  work.catch(() => undefined);
}
