/**
 * What is dated ahead: in source time an event later than now is stored and listed, and is not the present.
 * LIVE it waits here until its time has come; in receive time nothing ever lies ahead.
 */

import { signal } from "@preact/signals";
import { type StoredEvent, timeOf } from "./event";
import { compareTimes, toFineMs } from "./time";

type Times = Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime">;

/** Beyond so many the latest are let go: they are in the archive, and asked for when their time has come. */
const WAITING_MAX_EVENTS = 5_000;

/** Moves when the time of something has come that is only in the archive: what is LIVE has to be asked for again. */
export const dues = signal(0);

/** Whether an event is dated ahead of now. */
export function isAhead(event: Times, now: string, timebase: "source" | "canonical"): boolean {
  return timebase === "source" && compareTimes(timeOf(event, timebase), now) > 0;
}

interface Waiting {
  readonly ms: number;
  readonly event: StoredEvent;
}

/** The streamed events that are dated ahead. */
export class Upcoming {
  /** The earliest first. */
  private waiting: Waiting[] = [];
  /** When the first of those comes that are only in the archive. */
  private dueTime: string | undefined;

  constructor(private readonly waitingMax = WAITING_MAX_EVENTS) {}

  /** What is there now: those whose time has come, and of streamed events those that are not dated ahead. */
  admit(events: readonly StoredEvent[], now: string, timebase: "source" | "canonical"): StoredEvent[] {
    if (timebase !== "source") return [...events];
    const come = this.come(now);
    const ahead = events.filter((event) => isAhead(event, now, timebase));
    this.keep(ahead);
    return [...come, ...(ahead.length === 0 ? events : events.filter((event) => !isAhead(event, now, timebase)))];
  }

  /** Something in the archive has its time then. */
  expect(time: string): void {
    if (this.dueTime === undefined || compareTimes(time, this.dueTime) < 0) this.dueTime = time;
  }

  /** Let all go. */
  forget(): void {
    this.letGo(this.waiting);
    this.waiting = [];
  }

  private come(now: string): StoredEvent[] {
    if (this.dueTime !== undefined && compareTimes(this.dueTime, now) <= 0) {
      this.dueTime = undefined;
      dues.value++;
    }
    const first = this.waiting.findIndex(({ event }) => isAhead(event, now, "source"));
    return this.waiting.splice(0, first < 0 ? this.waiting.length : first).map(({ event }) => event);
  }

  private keep(ahead: readonly StoredEvent[]): void {
    if (ahead.length === 0) return;
    this.waiting.push(...ahead.map((event) => ({ ms: toFineMs(event.sourceTruthTime), event })));
    this.waiting.sort((one, two) => one.ms - two.ms);
    this.letGo(this.waiting.splice(this.waitingMax));
  }

  private letGo([first]: readonly Waiting[]): void {
    if (first !== undefined) this.expect(first.event.sourceTruthTime);
  }
}
