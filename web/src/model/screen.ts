/** What makes the screen move: connections, jumps of the clock, a change of entity, and a slow heartbeat. */

import { effect, untracked } from "@preact/signals";
import { oneAtATime } from "./asking";
import { behind } from "./behind";
import { conduct, openTimeline, reopenTimeline } from "./conductor";
import { refreshEntities, selected } from "./entities";
import { applyLatest, forgetLatest, refreshLatest } from "./latest";
import { refreshLinks } from "./links";
import { connection, listen, refreshStatus, status } from "./session";
import { stateClock } from "./stated";
import { deliver, jumps, receive, restart, state, tend, timebase } from "./timeline";

const VALUES_INTERVAL_MS = 1_000;
const ENTITIES_INTERVAL_MS = 3_000;
/** With the 3 s after which a reader takes its writer for hung, the screen says so within 5 s. */
const STATUS_INTERVAL_MS = 1_500;
const LINKS_INTERVAL_MS = 2_000;

let begun = false;

/** Tie everything together; called once. */
export function begin(): void {
  listen(receive, opened);
  deliver(applyLatest);
  conduct();
  stateClock();
  const askLatest = oneAtATime(refreshLatest);
  effect(() => {
    void [selected.value, jumps.value];
    // The question reads the clock too, and the clock's ticks are no reason to ask again.
    untracked(() => {
      forgetLatest();
      askLatest();
    });
  });
  effect(() => {
    // Values that were shed on the way are asked for, so that none stands there as if it were current.
    if (behind.value !== null) untracked(askLatest);
  });
  setInterval(() => open() && tend(), VALUES_INTERVAL_MS);
  repeat(VALUES_INTERVAL_MS, moving, refreshLatest);
  repeat(ENTITIES_INTERVAL_MS, open, refreshEntities);
  repeat(STATUS_INTERVAL_MS, open, refreshStatus);
  repeat(LINKS_INTERVAL_MS, () => open() && !document.hidden, refreshLinks);
}

/** Ask again and again, but never while an answer is still awaited: a slow Core is not asked more. */
function repeat(intervalMs: number, wanted: () => boolean, ask: () => Promise<void>): void {
  let waiting = false;
  setInterval(() => {
    if (waiting || !wanted()) return;
    waiting = true;
    ask()
      .catch(() => undefined)
      .finally(() => (waiting = false));
  }, intervalMs);
}

function opened(): void {
  if (begun) {
    restart();
    reopenTimeline();
    quietly(refreshEntities(), refreshStatus(), refreshLinks());
    return;
  }
  begun = true;
  void refreshStatus().then(() => {
    timebase.value = status.value?.timebase ?? "source";
    quietly(refreshEntities(), refreshLinks(), openTimeline());
  });
}

function open(): boolean {
  return connection.value === "open";
}

function moving(): boolean {
  return open() && state.value !== "PAUSED";
}

/** A refresh that fails is tried again by the next; the banner says why there is none. */
function quietly(...work: Promise<void>[]): void {
  for (const one of work) one.catch(() => undefined);
}
