/** How fresh a source is: how long it has been silent against the clock, and how long it usually is. */

export type Freshness = "live" | "stale" | "unseen" | "none";

/** No learnt interval makes a source stale sooner: transports and clocks have delays of their own. */
export const STALE_MIN_MS = 10_000;
/** A source is stale after so many of its usual intervals. */
const USUAL_INTERVALS = 3;
/** The usual interval is learnt from so many of the newest ones. */
const GAPS_MAX = 8;
/** With fewer it is not known. */
const GAPS_MIN = 3;
/** So many events are known at once: some on either side of a clock that turns. */
const TIMES_MAX = 32;
/** Events of one moment are of one interval. */
const GAP_MIN_MS = 1;

export const FRESHNESS_TEXTS: Readonly<Record<Freshness, string>> = {
  live: "live",
  stale: "stale: silent for longer than usual",
  unseen: "not seen yet at this time",
  none: "sends no telemetry",
};

/** The freshness of an age in ms; undefined means never seen. */
export function freshness(ageMs: number | undefined, staleAfterMs = STALE_MIN_MS): Freshness {
  if (ageMs === undefined) return "unseen";
  return ageMs <= staleAfterMs ? "live" : "stale";
}

/** The times of events of one source that follow each other, around the clock: they say its usual interval at a moment. */
export class Cadence {
  private times: number[] = [];
  /** Whether the source has no event before those. */
  private isFromBegin = false;
  /** Whether the next event of the stream follows those. */
  private isFollowed = false;
  /** The usual interval of another moment, for as long as too few events are known of this one. */
  private formerMs: number | undefined;

  /** Add the time of the next event of the stream, in either direction of time. */
  add(ms: number): void {
    const isInside = ms >= (this.times[0] ?? Infinity) && ms <= (this.times.at(-1) ?? -Infinity);
    if (!this.isFollowed && !isInside) this.begin();
    this.isFollowed = true;
    const place = this.countUpTo(ms);
    if (isNear(this.times[place - 1], ms) || isNear(this.times[place], ms)) return;
    this.times.splice(place, 0, ms);
    if (this.times.length > TIMES_MAX) this.forget(place);
  }

  /** Events of the past up to the clock, in any order; `isAll` if there are none before those. */
  learn(times: readonly number[], isAll: boolean): void {
    const read = [...times].sort((one, other) => one - other);
    const last = read.at(-1) ?? Number.NEGATIVE_INFINITY;
    // The stream has gone on while they were read.
    const newer = this.isFollowed ? this.times.filter((ms) => ms > last) : [];
    this.begin();
    for (const ms of [...read, ...newer]) this.add(ms);
    this.isFromBegin = isAll && read.length + newer.length <= TIMES_MAX;
  }

  /** The clock has jumped: the next event does not follow these. */
  interrupt(): void {
    this.isFollowed = false;
  }

  /** The newest event up to a moment between two known ones; undefined elsewhere, where others may lie between. */
  newestAt(ms: number): number | undefined {
    const count = this.countUpTo(ms);
    return count < this.times.length ? this.times[count - 1] : undefined;
  }

  /** Whether all events are known that the usual interval as of an event is learnt from. */
  isKnownAt(seenMs: number): boolean {
    const count = this.countUpTo(seenMs);
    return isNear(this.times[count - 1], seenMs) && (count > GAPS_MAX || this.isFromBegin);
  }

  /** The usual interval at a moment: the longest but one, as one silence makes none. Undefined while it is not known. */
  intervalAt(ms: number): number | undefined {
    const count = this.countUpTo(ms);
    const first = Math.max(0, count - GAPS_MAX - 1);
    // Events behind the moment help out only where those before it are not known.
    const found = longestButOne(this.times.slice(first, this.isFromBegin ? count : first + GAPS_MAX + 1));
    if (this.isFromBegin) return found;
    this.formerMs = found ?? this.formerMs;
    return this.formerMs;
  }

  /** After how long a silence the source is stale at a moment. */
  staleAfterMs(ms: number): number {
    return Math.max(STALE_MIN_MS, USUAL_INTERVALS * (this.intervalAt(ms) ?? 0));
  }

  private begin(): void {
    [this.times, this.isFromBegin, this.isFollowed] = [[], false, true];
  }

  /** Forget the event that is farthest from a place in their order. */
  private forget(place: number): void {
    if (place < this.times.length / 2) this.times.pop();
    else {
      this.times.shift();
      this.isFromBegin = false;
    }
  }

  private countUpTo(ms: number): number {
    let count = this.times.length;
    while (count > 0 && (this.times[count - 1] as number) > ms) count--;
    return count;
  }
}

function isNear(known: number | undefined, ms: number): boolean {
  return known !== undefined && Math.abs(known - ms) < GAP_MIN_MS;
}

function longestButOne(times: readonly number[]): number | undefined {
  const gaps = times.slice(1).map((ms, index) => ms - (times[index] as number));
  return gaps.length < GAPS_MIN ? undefined : gaps.sort((one, other) => other - one)[1];
}
