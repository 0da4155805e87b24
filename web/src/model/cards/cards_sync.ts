/** Keeps the cards in sync with the clock: queries at jumps and at doubts, and reads ahead while time runs backwards. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cursor, jumps } from "../clock/clock";
import { conflation } from "../clock/conflation_notice";
import { dueInArchive } from "../clock/dated_ahead";
import { singleFlight } from "../page/single_flight";
import { connection, isCoreKnown, recoveries, user } from "../session/session";
import { visible } from "../timeline/span";
import type { StoredEvent } from "../values/event";
import {
  applyUpdates,
  clearCards,
  invalidateCards,
  invalidateStates,
  isForwards,
  reapplyManifests,
  refreshStates,
  stateDoubts,
  statesError,
} from "./cards";
import { applyManifests, clearManifests, manifests, refreshManifests } from "./manifests";
import { forgetStatesBefore, isBackwards, readStatesBefore, showStatesBefore } from "./states_before";
import { startStaleViews } from "./stale_views";
import { appendSparklines, clearSparklines, requestSparklines, retrySparklines } from "./sparkline_data";

const BACKWARDS_INTERVAL_MS = 250;
const RETRY_INTERVAL_MS = 3_000;
const SPARKLINE_INTERVAL_MS = 250;
/** Least interval between queries that a doubt triggers. */
const THROTTLE_MS = 500;

const askStates = singleFlight(refreshStates);
const askManifests = singleFlight(refreshManifests);

let isStarted = false;

/** Connect the cards to the clock; called once. */
export function startCardsSync(): void {
  if (isStarted) return;
  isStarted = true;
  clearForUser();
  effect(() => {
    void jumps.value;
    untracked(invalidateStates);
    forgetStatesBefore();
    // The stream is requested before the query: events in between are in both replies rather than in neither.
    requestSoon();
  });
  effect(() => {
    if (isCoreKnown.value) requestSoon();
  });
  effect(() => {
    void manifests.value;
    untracked(reapplyManifests);
  });
  effect(() => {
    if (conflation.value !== null) untracked(invalidateCards);
  });
  recoveries.subscribe(requestAll);
  recoveries.subscribe(retrySparklines);
  followThrottled(stateDoubts, askStates);
  followThrottled(dueInArchive, requestAll);
  followBackwards();
  scheduler.every(RETRY_INTERVAL_MS, requestAll, { when: () => statesError.value !== "" && isOpen() });
  followSparklines();
  startStaleViews();
}

/** Apply streamed events. */
export function applyToCards(events: readonly StoredEvent[]): void {
  if (isForwards()) applyManifests(events);
  applyUpdates(events);
  appendSparklines(events);
}

/** Backwards the states are read ahead. Where there are too many updates for that, they are queried instead. */
function followBackwards(): void {
  const readAhead = singleFlight(readStatesBefore);
  let isShown = false;
  effect(() => {
    void cursor.value;
    if (isBackwards()) isShown = untracked(showStatesBefore);
  });
  effect(() => {
    void jumps.value;
    // The first slice is asked for before the stream is: a fast clock is soon far away.
    if (isBackwards() && isOpen()) untracked(readAhead);
  });
  const follow = () => {
    readAhead();
    if (!isShown) askStates();
  };
  scheduler.every(BACKWARDS_INTERVAL_MS, follow, { when: () => isBackwards() && isOpen() });
}

let isRequestedSoon = false;

/** Once, whatever number of reasons there are now. */
function requestSoon(): void {
  if (isRequestedSoon) return;
  isRequestedSoon = true;
  queueMicrotask(() => {
    isRequestedSoon = false;
    requestAll();
  });
}

function requestAll(): void {
  if (!isOpen()) return;
  askManifests();
  askStates();
}

/** Another user may see other scopes: clear everything. */
function clearForUser(): void {
  effect(() => {
    void user.value;
    untracked(() => {
      clearCards();
      forgetStatesBefore();
      clearManifests();
      clearSparklines();
    });
  });
}

/** Run work after a counter has changed, throttled. */
function followThrottled(moved: { value: number }, work: () => void): void {
  const pause = scheduler.slot();
  effect(() => {
    if (moved.value === 0) return;
    pause.startIfIdle(THROTTLE_MS, () => {
      if (isOpen()) work();
    });
  });
}

function followSparklines(): void {
  effect(() => {
    void [visible.value, jumps.value, connection.value];
    untracked(requestSparklines);
  });
  scheduler.every(SPARKLINE_INTERVAL_MS, requestSparklines, { pausesWhenHidden: true });
}

function isOpen(): boolean {
  return isCoreKnown.value;
}
