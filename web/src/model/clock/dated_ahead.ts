/**
 * Events dated ahead: in source time an event later than now is stored and listed, but is not the present.
 * In LIVE it is held here until its time comes. In receive time no event is ahead.
 */

import { signal } from "@preact/signals";
import { eventTime, type StoredEvent } from "../values/event";
import { compareTimes, toFineMs } from "../values/time";

type EventTimes = Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime">;

/** Beyond this the latest are dropped: they are queried from the archive when they become due. */
const HELD_MAX_EVENTS = 5_000;

/** Incremented when a dropped or unseen event becomes due: LIVE values must be queried again. */
export const dueInArchive = signal(0);

/** Whether an event is dated ahead of now. */
export function isDatedAhead(event: EventTimes, now: string, timebase: "source" | "canonical"): boolean {
  return timebase === "source" && compareTimes(eventTime(event, timebase), now) > 0;
}

interface HeldEvent {
  readonly ms: number;
  readonly event: StoredEvent;
}

/** The streamed events that are dated ahead. */
export class DatedAheadQueue {
  /** The earliest first. */
  private held: HeldEvent[] = [];
  /** The earliest time of an event that is only in the archive. */
  private dueTime: string | undefined;

  constructor(private readonly heldMax = HELD_MAX_EVENTS) {}

  /** Returns held events that are due, then those of `events` that are not ahead; holds the rest. */
  admit(events: readonly StoredEvent[], now: string, timebase: "source" | "canonical"): StoredEvent[] {
    if (timebase !== "source") return [...events];
    const come = this.takeDue(now);
    const ahead = events.filter((event) => isDatedAhead(event, now, timebase));
    this.hold(ahead);
    return [...come, ...(ahead.length === 0 ? events : events.filter((event) => !isDatedAhead(event, now, timebase)))];
  }

  /** The archive holds an event that is due at this time. */
  expectAt(time: string): void {
    if (this.dueTime === undefined || compareTimes(time, this.dueTime) < 0) this.dueTime = time;
  }

  /** Drop all held events. */
  clear(): void {
    this.leaveInArchive(this.held);
    this.held = [];
  }

  private takeDue(now: string): StoredEvent[] {
    if (this.dueTime !== undefined && compareTimes(this.dueTime, now) <= 0) {
      this.dueTime = undefined;
      dueInArchive.value++;
    }
    const first = this.held.findIndex(({ event }) => isDatedAhead(event, now, "source"));
    return this.held.splice(0, first < 0 ? this.held.length : first).map(({ event }) => event);
  }

  private hold(ahead: readonly StoredEvent[]): void {
    if (ahead.length === 0) return;
    this.held.push(...ahead.map((event) => ({ ms: toFineMs(event.sourceTruthTime), event })));
    this.held.sort((one, two) => one.ms - two.ms);
    this.leaveInArchive(this.held.splice(this.heldMax));
  }

  private leaveInArchive([first]: readonly HeldEvent[]): void {
    if (first !== undefined) this.expectAt(first.event.sourceTruthTime);
  }
}
