/** Links to one event: `#event=<eventId>&at=<time>`. Other values of the hash are ignored. */

import { effect, signal } from "@preact/signals";
import { type Timebase, timebase } from "../clock/clock";
import { inspectedEvent } from "../events/inspector";
import { request } from "../session/session";
import { eventTime, type StoredEvent } from "../values/event";
import { parseTime } from "../values/time";
import { KNOWN, knownNow } from "./known_at";
import { hashText, hashValues, setHash } from "./url_hash";

const PAGE_EVENTS = 1_000;
/** Most events of one instant that are searched. Only a faulty producer gives more events the same time. */
const SEARCH_MAX_PAGES = 10;
const EVENT_ID = /^[0-9a-f]{64}$/;

export interface EventLink {
  eventId: string;
  at: string;
  /** The timebase of `at`; undefined if the link names none. */
  base?: Timebase;
}

/** The message shown when a link cannot be followed. */
export const linkError = signal("");

/** The link in the values of a hash; undefined if there is none. */
export function parseLink(values: URLSearchParams): EventLink | undefined {
  const [eventId, at, base] = [values.get("event"), parseTime(values.get("at") ?? ""), values.get("tb")];
  if (eventId === null || at === undefined || !EVENT_ID.test(eventId)) return undefined;
  return base === "source" || base === "canonical" ? { eventId, at, base } : { eventId, at };
}

/** A URL that opens an event, with the clock at its time, and says what was known when it was made. */
export async function copiedEventLink(event: StoredEvent, base: Timebase): Promise<string> {
  return eventLink(event, base, location.href, await knownNow());
}

export function eventLink(event: StoredEvent, base: Timebase, url: string, known?: string): string {
  const [page = "", hash = ""] = url.split("#");
  const values = new URLSearchParams(hash);
  const at = eventTime(event, base);
  for (const [name, value] of Object.entries({ event: event.eventId, at, t: at, state: "paused", tb: base })) {
    values.set(name, value);
  }
  for (const name of ["from", "to", "len", KNOWN]) values.delete(name);
  if (known !== undefined) values.set(KNOWN, known);
  values.sort();
  return `${page}#${hashText(values)}`;
}

/** Keep the inspected event in the address. */
export function startLinkSync(): void {
  effect(() => {
    const event = inspectedEvent.value;
    if (event !== null) setHash({ event: event.eventId, at: eventTime(event, timebase.peek()) });
    else if (isFollowed) setHash({ event: null, at: null });
  });
}

let isFollowed = false;

/** Open the event that the address links to; the timeline seeks to its time. */
export async function followLink(): Promise<void> {
  isFollowed = true;
  const link = parseLink(hashValues());
  if (link === undefined || link.eventId === inspectedEvent.value?.eventId) return;
  const base = link.base ?? timebase.value;
  const event = (await findEvent(link, base)) ?? (await findEvent(link, base === "source" ? "canonical" : "source"));
  linkError.value = event === undefined ? `There is no event ${link.eventId.slice(0, 12)}… at ${link.at}.` : "";
  if (event !== undefined) inspectedEvent.value = event;
}

async function findEvent(link: EventLink, base: Timebase): Promise<StoredEvent | undefined> {
  let afterKey: string | undefined;
  for (let page = 0; page < SEARCH_MAX_PAGES; page++) {
    const reply = await request(
      {
        type: "query",
        startTime: link.at,
        stopTime: link.at,
        timebase: base,
        limit: PAGE_EVENTS,
        timelineMode: "REPLAY",
        ...(afterKey === undefined ? {} : { afterKey }),
      },
      "queryResponse",
    );
    const events = reply.events as StoredEvent[];
    const event = events.find((one) => one.eventId === link.eventId);
    if (event !== undefined || !reply.nextKey) return event;
    afterKey = reply.nextKey;
  }
  return undefined;
}
