/** Events of the chosen entity up to the cursor, newest first, page by page. */

import { signal } from "@preact/signals";
import type { Query } from "../api/protocol";
import type { Lane, StoredEvent } from "./event";
import { selected } from "./entities";
import { request } from "./session";
import { cursor, state, timebase } from "./timeline";

const PAGE_EVENTS = 50;

export const lane = signal<Lane | "all">("all");
export const events = signal<StoredEvent[]>([]);
export const nextKey = signal<string | null>(null);
/** Whether older pages were loaded: then the list stands still until it is asked anew. */
export const deep = signal(false);

let asked = 0;

/** The newest page at the cursor. */
export async function refreshHistory(): Promise<void> {
  const mine = ++asked;
  const query = question();
  if (query === undefined) return;
  const reply = await request(query, "queryResponse");
  if (mine !== asked) return;
  events.value = reply.events as StoredEvent[];
  nextKey.value = reply.nextKey ?? null;
  deep.value = false;
}

/** The page before the oldest that is shown. */
export async function loadOlder(): Promise<void> {
  const query = question();
  if (query === undefined || nextKey.value === null) return;
  const mine = ++asked;
  const reply = await request({ ...query, afterKey: nextKey.value }, "queryResponse");
  if (mine !== asked) return;
  events.value = [...events.value, ...(reply.events as StoredEvent[])];
  nextKey.value = reply.nextKey ?? null;
  deep.value = true;
}

function question(): Query | undefined {
  const entity = selected.value;
  if (entity === null) return undefined;
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const lanes = lane.value === "all" ? {} : { lanes: [lane.value] };
  return {
    type: "query",
    reverse: true,
    limit: PAGE_EVENTS,
    timebase: timebase.value,
    timelineMode: state.value === "LIVE" ? "LIVE" : "REPLAY",
    filters: { scopeIds: [scopeId], systemId, containerId, uniqueId, ...lanes },
    ...(state.value === "LIVE" ? {} : { stopTime: cursor.value }),
  };
}
