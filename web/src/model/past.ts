/** Reading back when excursions began: the updates of one view, page by page from the clock back. */

import type { Acknowledgement } from "./acknowledgements";
import type { Card } from "./card";
import { keySpec } from "./card";
import type { StoredEvent } from "./event";
import { beginning, type Excursion, type Said } from "./excursion";
import { normal, orderOf } from "./order";
import { request } from "./session";
import type { Timebase } from "./timeline";

const PAGE_FIRST_EVENTS = 200;
const PAGE_MAX_EVENTS = 5_000;
/** So far is read for when an excursion began… */
const READ_MAX_EVENTS = 2_000;
/** …and so far where somebody may have acknowledged it before that. */
const READ_FOR_ACKNOWLEDGED_MAX_EVENTS = 50_000;

/** What is asked of a card's past, up to a time (all there is if none is given). */
export interface PastAsked {
  readonly card: Card;
  readonly keys: readonly string[];
  readonly timebase: Timebase;
  readonly until: string | undefined;
  /** The acknowledgements of a key. */
  readonly acknowledged: (key: string) => readonly Acknowledgement[];
}

/** Read until every key's excursion is seen to begin, or far enough. */
export async function readExcursions(asked: PastAsked): Promise<ReadonlyMap<string, Excursion>> {
  const said = new Map(asked.keys.map((key): [string, Said[]] => [key, []]));
  let read = 0;
  let afterKey: string | undefined;
  for (let limit = PAGE_FIRST_EVENTS; ; limit = Math.min(limit * 4, PAGE_MAX_EVENTS)) {
    const page = await pageOf(asked, limit, afterKey);
    for (const event of page.events) take(said, event, asked);
    read += page.events.length;
    afterKey = page.nextKey;
    const found = begun(asked, said, afterKey === undefined);
    if (afterKey === undefined || !asked.keys.some((key) => isWanted(key, found.get(key), read, asked))) return found;
  }
}

function begun(asked: PastAsked, said: ReadonlyMap<string, Said[]>, isAll: boolean): Map<string, Excursion> {
  const found = new Map<string, Excursion>();
  for (const [key, all] of said) {
    const excursion = beginning(all, keySpec(asked.card, key), isAll);
    if (excursion !== undefined) found.set(key, excursion);
  }
  return found;
}

/** Whether more has to be read for a key. */
function isWanted(key: string, found: Excursion | undefined, read: number, asked: PastAsked): boolean {
  if (found?.isKnown === true) return false;
  if (read < READ_MAX_EVENTS) return true;
  const since = found?.since ?? "";
  const acknowledged = asked.acknowledged(key);
  const isSettled = acknowledged.length === 0 || acknowledged.some((one) => normal(one.since) >= since);
  return !isSettled && read < READ_FOR_ACKNOWLEDGED_MAX_EVENTS;
}

function take(said: ReadonlyMap<string, Said[]>, event: StoredEvent, asked: PastAsked): void {
  if (event["manifestVersion"] !== asked.card.view.manifestVersion) return;
  const data = (event["data"] ?? {}) as Record<string, unknown>;
  for (const [key, all] of said) {
    if (!Object.hasOwn(data, key)) continue;
    const source = normal(event.sourceTruthTime);
    all.push({ value: data[key], order: orderOf(event, asked.timebase), source });
  }
}

async function pageOf(
  { card, timebase, until }: PastAsked,
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
