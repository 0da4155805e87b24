/** What keeps the panels up to date; started once, when they are first shown. */

import { effect, untracked } from "@preact/signals";
import { keepLayout } from "./arrangement";
import { oneAtATime } from "./asking";
import { chat } from "./chat";
import { followUser } from "./commanding";
import { followLink, keepLink } from "./deep_link";
import { refreshSeen } from "./entities";
import { followExports } from "./exporting";
import { askTrack, keepTrack, trackTrouble } from "./ground";
import { ledger } from "./history";
import { followInspector, held, inspectorTrouble, range, refreshInspector, takeOwnJump, wanted } from "./inspector";
import { applyLatest, latestTrouble, refreshLatest } from "./latest";
import { appendLines, askLines, keepLines, trouble } from "./lines";
import { keepPlots } from "./plots";
import { connection } from "./session";
import { selection, visible } from "./span";
import { keepStack } from "./stack";
import { deliver, jumps, state } from "./timeline";
import { takeForCards, watchCards } from "./watch";

const REPLAY_INTERVAL_MS = 250;
const FOLLOW_INTERVAL_MS = 1_000;
const SEEN_INTERVAL_MS = 3_000;
const SPAN_PACE_MS = 300;
const RETRY_INTERVAL_MS = 3_000;

let begun = false;

/** A person who scrubs moves the clock twenty times a second: one question at a time, and last the newest. */
const askSeen = oneAtATime(refreshSeen);
const askInspector = oneAtATime(refreshInspector);

/** Tie the panels' models to the clock, the span and the selection. */
export function beginPanels(): void {
  if (begun) return;
  begun = true;
  deliver((events, all) => {
    applyLatest(events);
    appendLines(events);
    takeForCards(events);
    // They list what is there, also what is dated ahead.
    ledger.take(all);
    chat.take(all);
  });
  keepLayout();
  keepPlots();
  keepLines();
  keepTrack();
  watchCards();
  followUser();
  keepStack();
  followExports();
  ledger.follow();
  chat.follow();
  followWanted();
  effect(() => {
    void [jumps.value, connection.value];
    untracked(() => open() && askSeen());
  });
  repeat(REPLAY_INTERVAL_MS, () => state.value === "PLAYING", refreshLatest);
  repeat(FOLLOW_INTERVAL_MS, () => state.value !== "PAUSED", followInspector);
  repeat(SEEN_INTERVAL_MS, () => state.value === "PLAYING", refreshSeen);
  setInterval(() => open() && !document.hidden && askAgain(), RETRY_INTERVAL_MS);
  followLinks();
}

/** What had no answer is asked for again, whether or not the clock moves. */
function askAgain(): void {
  if (latestTrouble.value !== "") quietly(refreshLatest());
  if (inspectorTrouble.value !== "") askInspector();
  if (trouble.value !== "") askLines();
  if (trackTrouble.value !== "") askTrack();
}

/** The inspector asks anew when its filters, or the times that they name, are others. */
function followWanted(): void {
  effect(() => {
    void [wanted.value, connection.value];
    untracked(() => open() && askInspector());
  });
  effect(() => {
    void jumps.value;
    untracked(() => !takeOwnJump() && open() && range.value === "clock" && askInspector());
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    if (range.value === "clock") return;
    void (range.value === "visible" ? visible.value : selection.value);
    clearTimeout(timer);
    timer = setTimeout(() => open() && !held.peek() && askInspector(), SPAN_PACE_MS);
  });
}

/** The first connection opens what the URL links to, and so does a link that is followed later. */
function followLinks(): void {
  let isFirst = true;
  effect(() => {
    if (!open() || !isFirst) return;
    isFirst = false;
    untracked(() => quietly(followLink()));
  });
  keepLink();
  addEventListener("hashchange", () => quietly(followLink()));
}

/** Ask again and again, but never while an answer is still awaited, nor for a page that nobody sees. */
function repeat(intervalMs: number, isWanted: () => boolean, ask: () => Promise<void>): void {
  let waiting = false;
  setInterval(() => {
    if (waiting || document.hidden || !open() || !isWanted()) return;
    waiting = true;
    ask()
      .catch(() => undefined)
      .finally(() => (waiting = false));
  }, intervalMs);
}

function open(): boolean {
  return connection.value === "open";
}

/** A refresh that fails is tried again by the next; its panel says why there is none. */
function quietly(work: Promise<void>): void {
  work.catch(() => undefined);
}
