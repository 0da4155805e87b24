/** What makes the timeline move by itself: the span follows the clock, and what is shown is asked for. */

import { effect, untracked } from "@preact/signals";
import { anchor, forgetAnchor, refreshAnchor, reveal } from "./anchor";
import { showPanel } from "./arrangement";
import { tendBehind } from "./behind";
import { say } from "./hint";
import { listAhead } from "./inspector";
import { doubt, everything, extent, isServed, presentMs, refreshExtent, want, width } from "./overview";
import { held } from "./scrub";
import { connection } from "./session";
import { keepAddress, listenToAddress, openAddress } from "./share";
import { forgetAhead, tendSkip } from "./skip";
import { followed, has, show, type Span, visible, withMargin } from "./span";
import { toFineMs } from "./time";
import { backwards, cursor, goLive, jumps, seek, state, timebase } from "./timeline";

const LOOK_INTERVAL_MS = 500;
const EXTENT_INTERVAL_MS = 3_000;
const ANCHOR_INTERVAL_MS = 1_000;
/** How long the cursor has to rest before the event under it is asked for. */
const ANCHOR_REST_MS = 150;

let anchorTimer: ReturnType<typeof setTimeout> | undefined;
let anchored = "";
/** Whether the span is to go to the clock wherever it is. */
let isFollowDue = false;
/** What is seen of what is dated ahead, and what was seen before. */
let shownAhead: { before: Span; span: Span } | undefined;

/** Tie the timeline together; called once. */
export function conduct(): void {
  followTheClock();
  effect(() => {
    void [visible.value, width.value, timebase.value];
    want();
  });
  effect(() => {
    void jumps.value;
    untracked(() => {
      forgetAhead();
      forgetAnchor();
      anchored = "";
      lookForAnchor();
    });
  });
  effect(() => {
    void timebase.value;
    untracked(() => isOpen() && quietly(refreshExtent()));
  });
  setInterval(look, LOOK_INTERVAL_MS);
  setInterval(() => isOpen() && quietly(refreshExtent()), EXTENT_INTERVAL_MS);
  setInterval(lookForAnchor, ANCHOR_INTERVAL_MS);
}

/** At the first connection: the moment that the address names, otherwise the present. */
export async function openTimeline(): Promise<void> {
  const isShared = openAddress();
  keepAddress();
  listenToAddress();
  if (!isShared) goLive();
  await refreshExtent();
  if (!isShared) showFirst();
}

/** At each further connection: anything may have changed. */
export function reopenTimeline(): void {
  extent.value = extent.value === null ? undefined : extent.value;
  doubt();
  quietly(refreshExtent());
}

/** Show the last minutes, or all there is if nothing is as new as that. */
function showFirst(): void {
  const all = everything();
  if (all === undefined || extent.value == null || has(visible.value, extent.value.stopMs)) return;
  if (extent.value.stopMs > visible.value.stopMs) return;
  visible.value = all;
}

/** Go to what is dated ahead: the span has all of it, the inspector lists it, the clock is at the first. */
export function showAhead(): void {
  const ahead = extent.value?.ahead;
  if (ahead === undefined) return;
  const before = visible.value;
  show(withMargin(toFineMs(ahead.nextTime), ahead.lastMs));
  shownAhead = { before, span: visible.value };
  listAhead();
  showPanel("inspector");
  seek(ahead.nextTime);
}

/** Go LIVE as a person does: the span goes to the present too, as wide as it was before it went ahead. */
export function showPresent(): void {
  if (shownAhead?.span === visible.value) visible.value = shownAhead.before;
  shownAhead = undefined;
  isFollowDue = true;
  goLive();
}

/** A span that the clock is in moves with it; one that a person has moved away from the clock does not. */
function followTheClock(): void {
  let beforeMs = toFineMs(cursor.value);
  effect(() => {
    const atMs = toFineMs(cursor.value);
    const wasMs = beforeMs;
    beforeMs = atMs;
    untracked(() => {
      if (held.value !== undefined || atMs === wasMs) return;
      if (state.value === "PAUSED") reveal();
      else if (has(visible.value, wasMs) || (isFollowDue && state.value === "LIVE")) moveAlong(atMs);
    });
  });
}

function moveAlong(atMs: number): void {
  isFollowDue = false;
  const how = state.value === "LIVE" ? "slide" : "page";
  visible.value = followed(visible.value, atMs, how, backwards.value);
}

/** What is due by now: a picture that has grown old, a gap to be jumped over, a note to be taken away. */
function look(): void {
  tendBehind(Date.now());
  if (document.hidden) return;
  presentMs.value = Date.now();
  if (!isOpen()) return;
  if (!isServed(Date.now())) want();
  quietly(tendSkip());
}

/** Ask for the event under the cursor once it rests, and while it moves now and then. */
function lookForAnchor(): void {
  if (!isOpen() || state.value === "LIVE" || anchored === cursor.value) return;
  if (state.value === "PLAYING" && anchor.value !== null && !backwards.value) return;
  clearTimeout(anchorTimer);
  anchorTimer = setTimeout(() => {
    if (held.value !== undefined || state.value === "LIVE") return;
    anchored = cursor.value;
    quietly(refreshAnchor());
  }, ANCHOR_REST_MS);
}

/** Do what a person asked for; what goes wrong is said. */
export function act(work: Promise<void>): void {
  work.catch((error: Error) => say(error.message));
}

function isOpen(): boolean {
  return connection.value === "open";
}

/** A question that fails is asked again by the next look; the banner says why there is no answer. */
function quietly(work: Promise<void>): void {
  work.catch(() => undefined);
}
