/**
 * When each source was last seen as of the clock. A listing says it for one moment; the events of the stream
 * continue it, in either direction. Backwards, the clock passes an event before the one that is then the newest
 * is known: until a listing says it, that one is taken to be the usual interval earlier.
 */

import { Cadence, type Freshness, freshness } from "../values/freshness";

/** The freshness of a source; its age is undefined if it was not seen, or if it is not known. */
export interface SourceAge {
  readonly ageMs: number | undefined;
  readonly freshness: Freshness;
}

const UNSEEN: SourceAge = { ageMs: undefined, freshness: "unseen" };

interface Source {
  /** The newest event up to the clock; undefined if it is not known. */
  seenMs?: number | undefined;
  /** The earliest event that the clock has passed backwards. */
  passedMs?: number | undefined;
  readonly cadence: Cadence;
}

export class SeenTimes {
  private readonly sources = new Map<string, Source>();

  /** The clock has jumped: of the sources only their usual intervals are known. */
  reset(): void {
    for (const source of this.sources.values()) {
      source.seenMs = source.passedMs = undefined;
      source.cadence.interrupt();
    }
    this.listedMs = Number.NaN;
  }

  /** A listing: the newest event of each source up to a moment from which the stream has gone on. */
  merge(times: ReadonlyMap<string, number>, clockMs: number, isReverse: boolean): void {
    if (isReverse) {
      for (const [key, source] of this.sources) if (!times.has(key)) source.seenMs = source.passedMs = undefined;
    }
    for (const [key, ms] of times) {
      const source = this.sourceOf(key);
      if (!isReverse) source.seenMs = Math.max(ms, source.seenMs ?? ms);
      else if (ms <= clockMs) source.seenMs = ms;
      else pass(source, ms);
    }
  }

  /** An event of the stream. */
  add(key: string, ms: number, clockMs: number, isReverse: boolean): void {
    const source = this.sourceOf(key);
    source.cadence.add(ms);
    if (!isReverse) source.seenMs = Math.max(ms, source.seenMs ?? ms);
    else if (ms > clockMs) pass(source, ms);
    else source.seenMs = ms;
  }

  /** Learn the usual interval of a source from events of its past, in order. */
  learn(key: string, times: readonly number[]): void {
    const { cadence } = this.sourceOf(key);
    cadence.interrupt();
    for (const ms of times) cadence.add(ms);
    cadence.interrupt();
  }

  /** Forget everything. */
  clear(): void {
    this.sources.clear();
  }

  /** The moment of the newest listing, which alone says what lanes sent that are not streamed. */
  listedMs = Number.NaN;

  /** How fresh a source is that is not streamed: as of the newest listing, if it is not fresh as of the clock. */
  atListing(key: string, clockMs: number, setMs?: number): SourceAge {
    const now = this.at(key, clockMs, setMs);
    if (now.freshness === "live" || Number.isNaN(this.listedMs)) return now;
    const { seenMs } = this.sources.get(key) ?? {};
    return seenMs === undefined || seenMs > this.listedMs ? now : this.at(key, this.listedMs, setMs);
  }

  /** How fresh a source is as of the clock; stale after a set silence, or after one that is longer than usual. */
  at(key: string, clockMs: number, setMs?: number): SourceAge {
    const source = this.sources.get(key);
    const staleAfterMs = setMs ?? source?.cadence.staleAfterMs;
    const { seenMs, passedMs } = source ?? {};
    if (seenMs !== undefined && seenMs <= clockMs) {
      return { ageMs: clockMs - seenMs, freshness: freshness(clockMs - seenMs, staleAfterMs) };
    }
    const nextMs = passedMs ?? seenMs;
    if (nextMs === undefined) return UNSEEN;
    // The event before is not known. The clock is in a silence that ends with the next one.
    const usualMs = nextMs - (source?.cadence.intervalMs ?? 0);
    if (usualMs <= clockMs) return { ageMs: clockMs - usualMs, freshness: "live" };
    return { ageMs: undefined, freshness: freshness(nextMs - clockMs, staleAfterMs) };
  }

  /** Whether the usual interval of a source is known. */
  isLearnt(key: string): boolean {
    return this.sources.get(key)?.cadence.intervalMs !== undefined;
  }

  private sourceOf(key: string): Source {
    let found = this.sources.get(key);
    if (found === undefined) this.sources.set(key, (found = { cadence: new Cadence() }));
    return found;
  }
}

function pass(source: Source, ms: number): void {
  source.passedMs = Math.min(ms, source.passedMs ?? ms);
  if (source.seenMs !== undefined && source.seenMs >= ms) source.seenMs = undefined;
}
