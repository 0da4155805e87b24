/** What keeps the cards as the clock has them: questions at jumps, at doubts, and while time runs back. */

import { effect, untracked } from "@preact/signals";
import { forgetAcknowledgements, refreshAcknowledgements, takeAcknowledgements } from "./acknowledgements";
import { dues } from "./ahead";
import { oneAtATime } from "./asking";
import { behind } from "./behind";
import {
  doubts,
  drawByManifests,
  forgetCards,
  forgetStates,
  isForwards,
  mistrust,
  readUnread,
  refreshStates,
  statesTrouble,
  takeUpdates,
  unread,
} from "./cards";
import type { StoredEvent } from "./event";
import { forgetManifests, manifests, refreshManifests, takeManifests } from "./manifests";
import { connection, user } from "./session";
import { jumps, state } from "./timeline";
import { visible } from "./span";
import { appendTrends, forgetTrends, tendTrends } from "./trends";

const BACKWARDS_INTERVAL_MS = 250;
const RETRY_INTERVAL_MS = 3_000;
const TREND_PACE_MS = 250;
/** A doubt, or a beginning that could not be read, is no reason to ask without a pause. */
const PATIENCE_MS = 500;

const askStates = oneAtATime(refreshStates);
const askManifests = oneAtATime(refreshManifests);
const askAcknowledgements = oneAtATime(refreshAcknowledgements);
const readBack = oneAtATime(readUnread);

let begun = false;

/** Tie the cards to the clock; called once. */
export function watchCards(): void {
  if (begun) return;
  begun = true;
  followUser();
  effect(() => {
    void jumps.value;
    untracked(forgetStates);
    // A LIVE stream is asked for first: what comes between the two questions is in both, not in neither.
    queueMicrotask(askAll);
  });
  effect(() => {
    if (connection.value === "open") queueMicrotask(askAll);
  });
  effect(() => {
    void manifests.value;
    untracked(drawByManifests);
  });
  effect(() => {
    if (behind.value !== null) untracked(mistrust);
  });
  followPatiently(doubts, askStates);
  followPatiently(dues, askAll);
  followPatiently(unread, readBack);
  setInterval(() => state.value === "PLAYING" && !isForwards() && isOpen() && askStates(), BACKWARDS_INTERVAL_MS);
  setInterval(() => statesTrouble.value !== "" && isOpen() && askAll(), RETRY_INTERVAL_MS);
  followSpan();
}

/** Take in streamed events. */
export function takeForCards(events: readonly StoredEvent[]): void {
  takeAcknowledgements(events);
  if (isForwards()) takeManifests(events);
  takeUpdates(events);
  appendTrends(events);
}

function askAll(): void {
  if (!isOpen()) return;
  askManifests();
  askStates();
  askAcknowledgements();
}

/** Another user may see other scopes: nothing of before stays. */
function followUser(): void {
  effect(() => {
    void user.value;
    untracked(() => {
      forgetCards();
      forgetManifests();
      forgetAcknowledgements();
      forgetTrends();
    });
  });
}

/** Do something soon after a signal has moved; however often it moves, not more often than that. */
function followPatiently(moved: { value: number }, work: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    if (moved.value === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (isOpen()) work();
    }, PATIENCE_MS);
  });
}

function followSpan(): void {
  effect(() => {
    void [visible.value, jumps.value, connection.value];
    untracked(tendTrends);
  });
  setInterval(() => !document.hidden && tendTrends(), TREND_PACE_MS);
}

function isOpen(): boolean {
  return connection.value === "open";
}
