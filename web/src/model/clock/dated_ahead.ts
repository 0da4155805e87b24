/**
 * What is dated ahead: in source time an event later than now is stored and listed, and is not the present.
 * LIVE it waits here until its time has come; in receive time nothing ever lies ahead.
 */

import { signal } from "@preact/signals";
import { eventTime, type StoredEvent } from "../values/event";
import { compareTimes, toFineMs } from "../values/time";

type EventTimes = Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime">;

/** Beyond so many the latest are let go: they are in the archive, and asked for when their time has come. */
const HELD_MAX_EVENTS = 5_000;

/** Moves when the time of something has come that is only in the archive: what is LIVE has to be asked for again. */
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
  /** When the first of those comes that are only in the archive. */
  private dueTime: string | undefined;

  constructor(private readonly heldMax = HELD_MAX_EVENTS) {}

  /** What is there now: those whose time has come, and of streamed events those that are not dated ahead. */
  admit(events: readonly StoredEvent[], now: string, timebase: "source" | "canonical"): StoredEvent[] {
    if (timebase !== "source") return [...events];
    const come = this.takeDue(now);
    const ahead = events.filter((event) => isDatedAhead(event, now, timebase));
    this.hold(ahead);
    return [...come, ...(ahead.length === 0 ? events : events.filter((event) => !isDatedAhead(event, now, timebase)))];
  }

  /** Something in the archive has its time then. */
  expectAt(time: string): void {
    if (this.dueTime === undefined || compareTimes(time, this.dueTime) < 0) this.dueTime = time;
  }

  /** Let all go. */
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
