/**
 * A ledger: the events of a filter as of the clock, in the server's order. Asked for at each jump, the newest
 * first and older ones when they are wanted; what is streamed meanwhile is added. Backwards the clock only
 * passes by what is there.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { Filters } from "../api/protocol";
import { oneAtATime } from "./asking";
import type { StoredEvent } from "./event";
import { BEHIND_ALL, normal, orderOf } from "./order";
import { connection, request, user } from "./session";
import { backwards, cursor, jumps, state, type Timebase, timebase } from "./timeline";

const PAGE_EVENTS = 1_000;
/** Beyond so many, the newest page is asked for anew and the rest is forgotten. */
const KEPT_MAX_EVENTS = 20_000;
/** Where fewer are left in sight, older ones are asked for without being told. */
const LEAST_EVENTS = 20;
const RETRY_INTERVAL_MS = 3_000;

export class Ledger {
  /** All that is known, also what the clock has passed backwards. */
  private readonly known = signal<readonly StoredEvent[]>([]);
  private readonly count = computed(() => countUpTo(this.known.value, bound(), timebase.value));
  /** The events as of the clock, the oldest first. */
  readonly events = computed(() => this.known.value.slice(0, this.count.value));
  /** Whether what there is at the clock's time is being asked for. */
  readonly awaited = signal(true);
  /** Why there is no answer, in words. */
  readonly trouble = signal("");
  /** Behind which key there are older ones; null where this is all. */
  readonly olderKey = signal<string | null>(null);

  private run = 0;
  private early: StoredEvent[] = [];
  private readonly askNewest = oneAtATime(() => this.refresh());
  private readonly askOlder = oneAtATime(() => this.readOlder());

  constructor(
    private readonly filters: Filters,
    private readonly isOf: (event: StoredEvent) => boolean,
  ) {}

  /** Tie it to the clock; called once. */
  follow(): void {
    effect(() => {
      void user.value;
      // Another user may see other scopes.
      untracked(() => this.forget([]));
    });
    effect(() => {
      void [jumps.value, connection.value];
      untracked(() => this.forget(this.known.value));
      // A LIVE stream is asked for first: what comes between the two questions is in both, not in neither.
      queueMicrotask(() => isOpen() && this.askNewest());
    });
    effect(() => {
      const isShort = this.count.value < LEAST_EVENTS && this.olderKey.value !== null && !this.awaited.value;
      if (isShort && this.trouble.value === "") untracked(this.askOlder);
    });
    setInterval(() => this.trouble.value !== "" && isOpen() && this.askNewest(), RETRY_INTERVAL_MS);
  }

  /** Take in those among streamed events. */
  take(events: readonly StoredEvent[]): void {
    if (state.value === "PLAYING" && backwards.value) return;
    const found = events.filter(this.isOf);
    if (found.length === 0) return;
    if (this.awaited.value) this.early.push(...found);
    else this.known.value = merged(this.known.value, found, timebase.value);
    if (this.known.value.length > KEPT_MAX_EVENTS) {
      this.forget(this.known.value);
      this.askNewest();
    }
  }

  /** Ask for older ones than are known. */
  older(): void {
    this.askOlder();
  }

  private forget(still: readonly StoredEvent[]): void {
    this.run++;
    this.early = [];
    batch(() => {
      this.known.value = still;
      this.awaited.value = true;
    });
  }

  private async refresh(): Promise<void> {
    const mine = this.run;
    const reply = await this.page(mine, null);
    if (reply === undefined) return;
    batch(() => {
      this.known.value = merged([], [...reply.events, ...this.early], timebase.value);
      this.olderKey.value = reply.nextKey;
      this.awaited.value = false;
    });
    this.early = [];
  }

  private async readOlder(): Promise<void> {
    const mine = this.run;
    const key = this.olderKey.value;
    if (key === null || this.awaited.value) return;
    const reply = await this.page(mine, key);
    if (reply === undefined) return;
    batch(() => {
      this.known.value = merged(this.known.value, reply.events, timebase.value);
      this.olderKey.value = reply.nextKey;
    });
  }

  /** A page of what there is up to the clock, the newest first; undefined where the clock is elsewhere by now. */
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
      if (mine !== this.run) return undefined;
      this.trouble.value = "";
      return { events: reply.events as StoredEvent[], nextKey: reply.nextKey ?? null };
    } catch (error) {
      if (mine === this.run) this.trouble.value = (error as Error).message;
      throw error;
    }
  }
}

/** Two lists of events in the server's order, each event once. */
export function merged(
  known: readonly StoredEvent[],
  found: readonly StoredEvent[],
  of: Timebase,
): readonly StoredEvent[] {
  const all = new Map([...known, ...found].map((event) => [event.eventId, event]));
  const orders = new Map([...all.values()].map((event) => [event, orderOf(event, of)]));
  const orderIn = (event: StoredEvent) => orders.get(event) as string;
  return [...all.values()].sort((one, two) => (orderIn(one) < orderIn(two) ? -1 : 1));
}

/** How many of ordered events are not behind a time. */
export function countUpTo(events: readonly StoredEvent[], time: string | undefined, of: Timebase): number {
  if (time === undefined) return events.length;
  const last = `${normal(time)} ${BEHIND_ALL}`;
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orderOf(events[middle] as StoredEvent, of) <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bound(): string | undefined {
  return state.value === "LIVE" ? undefined : cursor.value;
}

function isOpen(): boolean {
  return connection.value === "open";
}
