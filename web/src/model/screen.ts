/** What makes the screen move: connections, jumps of the clock, a change of entity, and a slow heartbeat. */

import { effect } from "@preact/signals";
import { refreshEntities, selected } from "./entities";
import { deep, lane, refreshHistory } from "./history";
import { applyLatest, forgetLatest, refreshLatest } from "./latest";
import { connection, listen, refreshStatus, status } from "./session";
import { deliver, goLive, jumps, receive, restart, state, timebase } from "./timeline";

const VALUES_INTERVAL_MS = 1_000;
const ENTITIES_INTERVAL_MS = 3_000;

let begun = false;

/** Tie everything together; called once. */
export function begin(): void {
  listen(receive, opened);
  deliver(applyLatest);
  effect(() => {
    selected.value;
    jumps.value;
    forgetLatest();
    quietly(refreshLatest());
  });
  effect(() => {
    selected.value;
    jumps.value;
    lane.value;
    quietly(refreshHistory());
  });
  setInterval(() => moving() && quietly(refreshLatest()), VALUES_INTERVAL_MS);
  setInterval(() => moving() && !deep.value && quietly(refreshHistory()), VALUES_INTERVAL_MS);
  setInterval(() => open() && quietly(refreshEntities(), refreshStatus()), ENTITIES_INTERVAL_MS);
}

function opened(): void {
  if (begun) {
    restart();
    quietly(refreshEntities(), refreshStatus());
    return;
  }
  begun = true;
  void refreshStatus().then(() => {
    timebase.value = status.value?.timebase ?? "source";
    quietly(refreshEntities());
    goLive();
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
