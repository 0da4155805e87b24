/**
 * A ledger: the events of a filter as of the clock, in the server's order. Queried at each jump, the newest
 * page first and older ones on demand; streamed events are merged. Backwards, the clock only
 * passes events that are loaded.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { Filters } from "../../api/protocol";
import { scheduler } from "../../scheduler";
import { backwards, cursor, jumps, state, type Timebase, timebase } from "../clock/clock";
import { singleFlight } from "../page/single_flight";
import { connection, recoveries, request, user } from "../session/session";
import { ALL_LANES } from "../entities/entity_tree";
import { eventTime, type StoredEvent } from "../values/event";
import { AFTER_ALL_EVENTS, eventOrder, normalTime } from "../values/event_order";

const PAGE_EVENTS = 1_000;
/** Beyond this, only the newest page is loaded again. */
const KEPT_MAX_EVENTS = 20_000;
/** With fewer events than this up to the clock, older ones are loaded automatically. */
const SHORT_EVENTS = 20;
const RETRY_INTERVAL_MS = 3_000;

export class Ledger {
  /** All loaded events, including those that the clock has passed backwards. */
  private readonly known = signal<readonly StoredEvent[]>([]);
  private readonly count = computed(() => countUpTo(this.known.value, timeBound(), timebase.value));
  /** The events as of the clock, the oldest first. */
  readonly events = computed(() => this.known.value.slice(0, this.count.value));
  /** Whether the events at the clock's time are pending. */
  readonly pending = signal(true);
  /** Why the last request failed; empty if it succeeded. */
  readonly error = signal("");
  /** The key to load older events from; null if all are loaded. */
  readonly olderKey = signal<string | null>(null);

  private generation = 0;
  private earlyEvents: StoredEvent[] = [];
  private readonly askNewest = singleFlight(() => this.refresh());
  private readonly askOlder = singleFlight(() => this.readOlder());

  constructor(
    private readonly filters: Filters,
    private readonly matches: (event: StoredEvent) => boolean,
  ) {}

  /** Connect the ledger to the clock; called once. */
  start(): void {
    effect(() => {
      void user.value;
      // Another user may see other scopes.
      untracked(() => this.reset([]));
    });
    effect(() => {
      void [jumps.value, connection.value];
      untracked(() => this.reset(this.known.value));
      // The stream is requested before the query: events in between are in both replies rather than in neither.
      queueMicrotask(() => isOpen() && this.askNewest());
    });
    effect(() => {
      const isShort = this.count.value < SHORT_EVENTS && this.olderKey.value !== null && !this.pending.value;
      if (isShort && this.error.value === "") untracked(this.askOlder);
    });
    recoveries.subscribe(() => this.error.value !== "" && this.askNewest());
    scheduler.every(RETRY_INTERVAL_MS, this.askNewest, { when: () => this.error.value !== "" && isOpen() });
  }

  /** Add the streamed events that match the filter. */
  apply(events: readonly StoredEvent[]): void {
    if (state.value === "PLAYING" && backwards.value) return;
    const found = events.filter(this.matches);
    if (found.length === 0) return;
    if (this.pending.value) this.earlyEvents.push(...found);
    else this.known.value = mergeEvents(this.known.value, found, timebase.value);
    if (this.known.value.length > KEPT_MAX_EVENTS) {
      this.reset(this.known.value);
      this.askNewest();
    }
  }

  /** Request older events than the loaded ones. */
  loadOlder(): void {
    this.askOlder();
  }

  private reset(still: readonly StoredEvent[]): void {
    this.generation++;
    this.earlyEvents = [];
    batch(() => {
      this.known.value = still;
      this.pending.value = true;
    });
  }

  private async refresh(): Promise<void> {
    const mine = this.generation;
    const reply = await this.page(mine, null);
    if (reply === undefined) return;
    batch(() => {
      this.known.value = mergeEvents([], [...reply.events, ...this.earlyEvents], timebase.value);
      this.olderKey.value = reply.nextKey;
      this.pending.value = false;
    });
    this.earlyEvents = [];
  }

  private async readOlder(): Promise<void> {
    const mine = this.generation;
    const key = this.olderKey.value;
    if (key === null || this.pending.value) return;
    const reply = await this.page(mine, key);
    if (reply === undefined) return;
    batch(() => {
      this.known.value = mergeEvents(this.known.value, reply.events, timebase.value);
      this.olderKey.value = reply.nextKey;
    });
  }

  /** A page of events up to the clock, newest first; undefined if the clock was moved meanwhile. */
  private async page(
    mine: number,
    afterKey: string | null,
  ): Promise<{ events: StoredEvent[]; nextKey: string | null } | undefined> {
    const isLive = state.value === "LIVE";
    try {
      const reply = await request(
        {
          type: "query",
          filters: this.filters,
          reverse: true,
          limit: PAGE_EVENTS,
          timebase: timebase.value,
          timelineMode: isLive ? "LIVE" : "REPLAY",
          ...(isLive ? {} : { stopTime: cursor.value }),
          ...(afterKey === null ? {} : { afterKey }),
        },
        "queryResponse",
      );
      if (mine !== this.generation) return undefined;
      this.error.value = "";
      return { events: reply.events as StoredEvent[], nextKey: reply.nextKey ?? null };
    } catch (error) {
      if (mine === this.generation) this.error.value = (error as Error).message;
      throw error;
    }
  }
}

/** Two lists of events in the server's order, each event once. */
export function mergeEvents(
  known: readonly StoredEvent[],
  found: readonly StoredEvent[],
  of: Timebase,
): readonly StoredEvent[] {
  const all = new Map([...known, ...found].map((event) => [event.eventId, event]));
  const orders = new Map([...all.values()].map((event) => [event, orderAmongLanes(event, of)]));
  const orderIn = (event: StoredEvent) => orders.get(event) as string;
  return [...all.values()].sort((one, two) => (orderIn(one) < orderIn(two) ? -1 : 1));
}

/** The position of an event among those of all lanes: time, then lane, then eventId. */
function orderAmongLanes(event: StoredEvent, of: Timebase): string {
  return `${normalTime(eventTime(event, of))} ${ALL_LANES.indexOf(event.lane)} ${event.eventId}`;
}

/** The number of ordered events at or before a time. */
export function countUpTo(events: readonly StoredEvent[], time: string | undefined, of: Timebase): number {
  if (time === undefined) return events.length;
  const last = `${normalTime(time)} ${AFTER_ALL_EVENTS}`;
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (eventOrder(events[middle] as StoredEvent, of) <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}

function timeBound(): string | undefined {
  return state.value === "LIVE" ? undefined : cursor.value;
}

function isOpen(): boolean {
  return connection.value === "open";
}
