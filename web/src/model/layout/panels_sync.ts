/** Keeps the panels up to date; started once, after the first view. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { followLink, startLinkSync } from "../address/deep_link";
import { startKnownAt } from "../address/known_at";
import { startViewLink } from "../address/view_link";
import { startAlarmSync } from "../alarms/alarm_sync";
import { applyToCards, startCardsSync } from "../cards/cards_sync";
import { startEdgeSync } from "../edge/edge_sync";
import { conflation } from "../clock/conflation_notice";
import { jumps, state, streamedEvents } from "../clock/clock";
import { commandLedger } from "../commands/command_history";
import { resetFormsForUser } from "../commands/command_panel";
import { persistStack } from "../commands/command_stack";
import { startEntityAges } from "../entities/entity_ages";
import { applyLatest, continueLatest, latestError, refreshLatest } from "../entities/latest";
import { chat } from "../events/chat";
import { startFieldValues } from "../fields/field_values";
import {
  applyToInspector,
  consumeOwnJump,
  followInspector,
  inspectorError,
  inspectorQueryKey,
  inspectorRange,
  isListHeld,
  isListQueried,
  isReadAheadDue,
  receivedEvents,
  refreshInspector,
} from "../events/inspector";
import { startExportSync } from "../exports/export_status";
import { applyToNotes, startNotes } from "../notes/notes";
import { arePanelsStarted } from "../page/first_view";
import { singleFlight } from "../page/single_flight";
import { appendPlotEvents, plotError, requestPlotData, startPlotSync } from "../plots/plot_data";
import { followActivePlot } from "../plots/plots";
import { startPeek } from "../peek/peek";
import { startRecordings } from "../recordings/recordings";
import { startSearching } from "../search/search_sync";
import { connection, recoveries } from "../session/session";
import { selection, visible } from "../timeline/span";
import { startTimelineSync } from "../timeline/timeline_sync";
import { requestTrack, startTrackSync, trackError } from "../tracks/track_data";

const REPLAY_INTERVAL_MS = 250;
const FOLLOW_INTERVAL_MS = 1_000;
const READ_AHEAD_PACE_MS = 100;
const SPAN_PACE_MS = 300;
const RETRY_INTERVAL_MS = 3_000;

let isStarted = false;

/** Scrubbing moves the clock twenty times a second: one request in flight, then one for the latest state. */
const askInspector = singleFlight(refreshInspector);
const askFollowed = singleFlight(followInspector);

/** Connect the panels' models to the clock, the span and the selection. */
export function startPanelsSync(): void {
  if (isStarted) return;
  isStarted = true;
  streamedEvents.subscribe((events, all) => {
    appendPlotEvents(events);
    applyToCards(events);
    applyToInspector(events);
    // Commands, chat and notes also list events dated ahead.
    commandLedger.apply(all);
    chat.apply(all);
    applyToNotes(all);
  });
  receivedEvents.subscribe(applyLatest);
  startTimelineSync();
  followActivePlot();
  startViewLink();
  startKnownAt();
  startPlotSync();
  startTrackSync();
  startFieldValues();
  startCardsSync();
  startEdgeSync();
  resetFormsForUser();
  persistStack();
  startExportSync();
  startSearching();
  commandLedger.start();
  chat.start();
  startNotes();
  startRecordings();
  startAlarmSync();
  startPeek();
  followInspectorQuery();
  startEntityAges();
  whileSeen(REPLAY_INTERVAL_MS, continueLatest, () => state.value === "PLAYING");
  followReadAhead();
  // Parsed and raw events, and the audit trail, are not in a stream.
  whileSeen(FOLLOW_INTERVAL_MS, followInspector, () => state.value === "LIVE" && isListQueried.value);
  whileSeen(REPLAY_INTERVAL_MS, followInspector, () => state.value === "PLAYING" && isListQueried.value);
  effect(() => {
    // What was conflated is in the archive.
    if (conflation.value !== null) untracked(() => isOpen() && askInspector());
  });
  whileSeen(RETRY_INTERVAL_MS, retryFailed);
  recoveries.subscribe(askAgain);
  followLinks();
  arePanelsStarted.value = true;
}

/** Retry failed requests, whether or not the clock moves. */
function retryFailed(): void {
  if (latestError.value !== "") ignoreFailure(refreshLatest());
  if (inspectorError.value !== "") askInspector();
  if (plotError.value !== "") requestPlotData();
  if (trackError.value !== "") requestTrack();
}

/** Replies are to be had again: each panel asks at once. */
function askAgain(): void {
  if (!isListHeld.value || inspectorError.value !== "") askInspector();
  requestPlotData();
  requestTrack();
}

/** The inspector queries again when its filters or their times change. */
function followInspectorQuery(): void {
  effect(() => {
    void [inspectorQueryKey.value, connection.value];
    untracked(() => isOpen() && askInspector());
  });
  effect(() => {
    void jumps.value;
    untracked(() => !consumeOwnJump() && isOpen() && inspectorRange.value === "clock" && askInspector());
  });
  const rest = scheduler.slot();
  effect(() => {
    if (inspectorRange.value === "clock") return;
    void (inspectorRange.value === "visible" ? visible.value : selection.value);
    rest.restart(SPAN_PACE_MS, () => {
      if (isOpen() && !isListHeld.peek()) askInspector();
    });
  });
}

/** Backwards the list is read ahead of the clock. */
function followReadAhead(): void {
  const pace = scheduler.slot();
  effect(() => {
    if (isReadAheadDue.value) pace.startIfIdle(READ_AHEAD_PACE_MS, () => isOpen() && isReadAheadDue.peek() && askFollowed());
  });
}

/** The first connection opens the event that the URL links to; so does a link that is opened later. */
function followLinks(): void {
  let isFirst = true;
  effect(() => {
    if (!isOpen() || !isFirst) return;
    isFirst = false;
    untracked(() => ignoreFailure(followLink()));
  });
  startLinkSync();
  addEventListener("hashchange", () => ignoreFailure(followLink()));
}

/** Run periodically while connected, and not on a hidden page. */
function whileSeen(intervalMs: number, work: () => unknown, isWanted = () => true): void {
  scheduler.every(intervalMs, work, { when: () => isOpen() && isWanted(), pausesWhenHidden: true });
}

function isOpen(): boolean {
  return connection.value === "open";
}

/** A failed refresh is retried by the next one; its panel shows the reason. */
function ignoreFailure(work: Promise<void>): void {
  work.catch(() => undefined);
}
