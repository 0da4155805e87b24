/** What keeps the panels up to date; started once, when they are first shown. */

import { effect, untracked } from "@preact/signals";
import { followLink, startLinkSync } from "../address/deep_link";
import { applyToCards, startCardsSync } from "../cards/cards_sync";
import { deliver, jumps, state } from "../clock/clock";
import { commandLedger } from "../commands/command_history";
import { resetFormsForUser } from "../commands/command_panel";
import { persistStack } from "../commands/command_stack";
import { refreshSeen } from "../entities/entities";
import { applyLatest, latestError, refreshLatest } from "../entities/latest";
import { chat } from "../events/chat";
import {
  consumeOwnJump,
  followInspector,
  inspectorError,
  inspectorQueryKey,
  inspectorRange,
  isListHeld,
  refreshInspector,
} from "../events/inspector";
import { startExportSync } from "../exports/export_status";
import { singleFlight } from "../page/single_flight";
import { appendPlotEvents, plotError, requestPlotData, startPlotSync } from "../plots/plot_data";
import { persistPlots } from "../plots/plots";
import { connection } from "../session/session";
import { selection, visible } from "../timeline/span";
import { requestTrack, startTrackSync, trackError } from "../tracks/track_data";
import { persistLayout } from "./layout_store";

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
