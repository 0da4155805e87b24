/** Finds the start of excursions by reading a view's updates backwards, page by page. */

import type { Card } from "../cards/card";
import { keySpec } from "../cards/card";
import type { Timebase } from "../clock/clock";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";
import { eventOrder, normalTime } from "../values/event_order";
import type { Acknowledgement } from "./acknowledgements";
import { type Excursion, excursionStart, type KeyUpdate } from "./excursion";

const PAGE_FIRST_EVENTS = 200;
const PAGE_MAX_EVENTS = 5_000;
/** Most updates that are read to find a start… */
const READ_MAX_EVENTS = 2_000;
/** …and most if an earlier acknowledgement may belong to the excursion. */
const READ_FOR_ACKNOWLEDGED_MAX_EVENTS = 50_000;

/** The request for a card's past, up to a time (unbounded if none is given). */
export interface ExcursionQuery {
  readonly card: Card;
  readonly keys: readonly string[];
  readonly timebase: Timebase;
  readonly until: string | undefined;
  /** The acknowledgements of a key. */
  readonly acknowledged: (key: string) => readonly Acknowledgement[];
}

/** Read until every key's excursion start is found, or the limit of updates is reached. */
export async function readExcursions(query: ExcursionQuery): Promise<ReadonlyMap<string, Excursion>> {
  const said = new Map(query.keys.map((key): [string, KeyUpdate[]] => [key, []]));
  let read = 0;
  let afterKey: string | undefined;
  for (let limit = PAGE_FIRST_EVENTS; ; limit = Math.min(limit * 4, PAGE_MAX_EVENTS)) {
    const page = await updatesPage(query, limit, afterKey);
    for (const event of page.events) collectUpdates(said, event, query);
    read += page.events.length;
    afterKey = page.nextKey;
    const found = excursionsOf(query, said, afterKey === undefined);
    if (afterKey === undefined || !query.keys.some((key) => needsMore(key, found.get(key), read, query))) return found;
  }
}

function excursionsOf(query: ExcursionQuery, said: ReadonlyMap<string, KeyUpdate[]>, isAll: boolean): Map<string, Excursion> {
  const found = new Map<string, Excursion>();
  for (const [key, all] of said) {
    const excursion = excursionStart(all, keySpec(query.card, key), isAll);
    if (excursion !== undefined) found.set(key, excursion);
  }
  return found;
}

/** Whether more updates have to be read for a key. */
function needsMore(key: string, found: Excursion | undefined, read: number, query: ExcursionQuery): boolean {
  if (found?.isComplete === true) return false;
  if (read < READ_MAX_EVENTS) return true;
  const since = found?.since ?? "";
  const acknowledged = query.acknowledged(key);
  const isSettled = acknowledged.length === 0 || acknowledged.some((one) => normalTime(one.since) >= since);
  return !isSettled && read < READ_FOR_ACKNOWLEDGED_MAX_EVENTS;
}

function collectUpdates(said: ReadonlyMap<string, KeyUpdate[]>, event: StoredEvent, query: ExcursionQuery): void {
  if (event["manifestVersion"] !== query.card.view.manifestVersion) return;
  const data = (event["data"] ?? {}) as Record<string, unknown>;
  for (const [key, all] of said) {
    if (!Object.hasOwn(data, key)) continue;
    const source = normalTime(event.sourceTruthTime);
    all.push({ value: data[key], order: eventOrder(event, query.timebase), source });
  }
}

async function updatesPage(
  { card, timebase, until }: ExcursionQuery,
  limit: number,
  afterKey: string | undefined,
): Promise<{ events: StoredEvent[]; nextKey: string | undefined }> {
  const { scopeId, systemId, containerId, uniqueId, viewId } = card.view;
  const reply = await request(
    {
      type: "query",
      timebase,
      filters: { scopeIds: [scopeId], systemId, containerId, uniqueId, viewId, lanes: ["ui"] },
      limit,
      reverse: true,
      timelineMode: "REPLAY",
      ...(until === undefined ? {} : { stopTime: until }),
      ...(afterKey === undefined ? {} : { afterKey }),
    },
    "queryResponse",
  );
  return { events: reply.events as StoredEvent[], nextKey: reply.nextKey ?? undefined };
}
