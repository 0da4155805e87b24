/** What keeps the panels up to date; started once, when they are first shown. */

import { effect, untracked } from "@preact/signals";
import { persistLayout } from "./layout_store";
import { singleFlight } from "./single_flight";
import { chat } from "./chat";
import { resetFormsForUser } from "./command_panel";
import { followLink, startLinkSync } from "./deep_link";
import { refreshSeen } from "./entities";
import { startExportSync } from "./export_status";
import { requestTrack, startTrackSync, trackError } from "./track_data";
import { commandLedger } from "./command_history";
import { followInspector, isListHeld, inspectorError, inspectorRange, refreshInspector, consumeOwnJump, inspectorQueryKey } from "./inspector";
import { applyLatest, latestError, refreshLatest } from "./latest";
import { appendPlotEvents, requestPlotData, startPlotSync, plotError } from "./plot_data";
import { persistPlots } from "./plots";
import { connection } from "./session";
import { selection, visible } from "./span";
import { persistStack } from "./command_stack";
import { deliver, jumps, state } from "./clock";
import { applyToCards, startCardsSync } from "./cards_sync";

const REPLAY_INTERVAL_MS = 250;
const FOLLOW_INTERVAL_MS = 1_000;
const SEEN_INTERVAL_MS = 3_000;
const SPAN_PACE_MS = 300;
const RETRY_INTERVAL_MS = 3_000;

let isStarted = false;

/** A person who scrubs moves the clock twenty times a second: one question at a time, and last the newest. */
const askSeen = singleFlight(refreshSeen);
const askInspector = singleFlight(refreshInspector);

/** Tie the panels' models to the clock, the span and the selection. */
export function startPanelsSync(): void {
  if (isStarted) return;
  isStarted = true;
  deliver((events, all) => {
    applyLatest(events);
    appendPlotEvents(events);
    applyToCards(events);
    // They list what is there, also what is dated ahead.
    commandLedger.apply(all);
    chat.apply(all);
  });
  persistLayout();
  persistPlots();
  startPlotSync();
  startTrackSync();
  startCardsSync();
  resetFormsForUser();
  persistStack();
  startExportSync();
  commandLedger.start();
  chat.start();
  followInspectorQuery();
  effect(() => {
    void [jumps.value, connection.value];
    untracked(() => isOpen() && askSeen());
  });
  repeat(REPLAY_INTERVAL_MS, () => state.value === "PLAYING", refreshLatest);
  repeat(FOLLOW_INTERVAL_MS, () => state.value !== "PAUSED", followInspector);
  repeat(SEEN_INTERVAL_MS, () => state.value === "PLAYING", refreshSeen);
  setInterval(() => isOpen() && !document.hidden && retryFailed(), RETRY_INTERVAL_MS);
  followLinks();
}

/** What had no answer is asked for again, whether or not the clock moves. */
function retryFailed(): void {
  if (latestError.value !== "") ignoreFailure(refreshLatest());
  if (inspectorError.value !== "") askInspector();
  if (plotError.value !== "") requestPlotData();
  if (trackError.value !== "") requestTrack();
}

/** The inspector asks anew when its filters, or the times that they name, are others. */
function followInspectorQuery(): void {
  effect(() => {
    void [inspectorQueryKey.value, connection.value];
    untracked(() => isOpen() && askInspector());
  });
  effect(() => {
    void jumps.value;
    untracked(() => !consumeOwnJump() && isOpen() && inspectorRange.value === "clock" && askInspector());
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    if (inspectorRange.value === "clock") return;
    void (inspectorRange.value === "visible" ? visible.value : selection.value);
    clearTimeout(timer);
    timer = setTimeout(() => isOpen() && !isListHeld.peek() && askInspector(), SPAN_PACE_MS);
  });
}

/** The first connection opens what the URL links to, and so does a link that is followed later. */
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

/** Ask again and again, but never while an answer is still awaited, nor for a page that nobody sees. */
function repeat(intervalMs: number, isWanted: () => boolean, ask: () => Promise<void>): void {
  let waiting = false;
  setInterval(() => {
    if (waiting || document.hidden || !isOpen() || !isWanted()) return;
    waiting = true;
    ask()
      .catch(() => undefined)
      .finally(() => (waiting = false));
  }, intervalMs);
}

function isOpen(): boolean {
  return connection.value === "open";
}

/** A refresh that fails is tried again by the next; its panel says why there is none. */
function ignoreFailure(work: Promise<void>): void {
  work.catch(() => undefined);
}
