/** Starts the app and its periodic refreshes; reacts to connections, jumps and entity changes. */

import { computed, effect, untracked } from "@preact/signals";
import type { LinkInfo } from "../../api/protocol";
import { scheduler } from "../../scheduler";
import { openMoment } from "../address/url_sync";
import { checkStream, jumps, receiveFrame, restart, state, streamedEvents, timebase } from "../clock/clock";
import { conflation } from "../clock/conflation_notice";
import { startReadAhead } from "../clock/before_clock";
import { startCursorReport } from "../clock/cursor_report";
import { entities, refreshEntities, relistEntities, selectedEntity } from "../entities/entities";
import { applyLatest, clearLatest, continueLatest, refreshLatest } from "../entities/latest";
import { applyLinks, linksOpen, refreshLinks } from "../session/links";
import {
  ANSWER_CHECK_INTERVAL_MS,
  checkAnswers,
  connection,
  connections,
  recoveries,
  keepStatus,
  status,
  streamFrames,
} from "../session/session";
import { untilFirstView, untilLinkCanOpen } from "./first_view";
import { singleFlight } from "./single_flight";

const VALUES_INTERVAL_MS = 1_000;
/** How often what is listed may change, and how often an unchanged listing is read again. */
const ENTITIES_INTERVAL_MS = 10_000;
/** How often a Core that is away is asked whether it is back; one that is there sends its state itself. */
const STATUS_INTERVAL_MS = 1_500;
const LINKS_INTERVAL_MS = 2_000;

let isStarted = false;

/** Connect the models; called once. */
export function startApp(): void {
  streamFrames.subscribe(receiveFrame);
  connections.subscribe(onConnected);
  recoveries.subscribe(askAgain);
  streamedEvents.subscribe(applyLatest);
  startCursorReport();
  startReadAhead();
  const askLatest = singleFlight(() => refreshLatest());
  effect(() => {
    void [selectedEntity.value, jumps.value];
    // The request reads the clock too, but a tick of the clock is no reason to repeat it.
    untracked(() => {
      clearLatest();
      askLatest();
    });
  });
  effect(() => {
    // Values that were conflated are requested, so that no old value is shown as current.
    if (conflation.value !== null) untracked(askLatest);
  });
  scheduler.every(ANSWER_CHECK_INTERVAL_MS, checkAnswers);
  scheduler.every(VALUES_INTERVAL_MS, checkStream, { when: isOpen });
  scheduler.every(VALUES_INTERVAL_MS, continueLatest, { when: isMoving });
  scheduler.every(ENTITIES_INTERVAL_MS, () => refreshEntities(), { when: isMoving });
  scheduler.every(STATUS_INTERVAL_MS, keepStatus, { when: isOpen });
  scheduler.every(LINKS_INTERVAL_MS, refreshLinks, { when: () => isMoving() || (isOpen() && linksOpen.value), pausesWhenHidden: true });
  followStatus();
  // The session may have begun before the page was loaded.
  if (isOpen() && !isStarted) onConnected();
}

/** What the Core says of itself: its links, and that there are other series, which may be of other entities. */
function followStatus(): void {
  const links = computed(() => status.value?.links);
  effect(() => {
    if (links.value !== undefined) untracked(() => applyLinks(links.value as readonly LinkInfo[]));
  });
  const series = computed(() => status.value?.series ?? 0);
  effect(() => {
    if (series.value > 0) untracked(() => entities.value !== null && isOpen() && ignoreFailures(relistEntities()));
  });
}

function onConnected(): void {
  if (isStarted) {
    restart();
    ignoreFailures(keepStatus());
    return;
  }
  isStarted = true;
  void Promise.all([keepStatus(), untilLinkCanOpen()]).then(() => {
    timebase.value = status.value?.timebase ?? "source";
    openMoment();
    ignoreFailures(refreshEntities(untilFirstView), untilFirstView().then(refreshLinks));
  });
}

/** Replies are to be had again: whatever is missing is requested at once. */
function askAgain(): void {
  ignoreFailures(relistEntities(), refreshLinks(), refreshLatest());
}

function isOpen(): boolean {
  return connection.value === "open";
}

function isMoving(): boolean {
  return isOpen() && state.value !== "PAUSED";
}

/** A failed refresh is retried by the next one; the banner shows the reason. */
function ignoreFailures(...work: Promise<void>[]): void {
  for (const one of work) one.catch(() => undefined);
}
