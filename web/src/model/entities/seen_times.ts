/**
 * When each source was last seen as of the clock. A listing says it for one moment; the events of the stream
 * continue it, in either direction. Backwards, the clock passes an event before the one that is then the newest
 * is known: until a listing says it, the source is taken to be as regular as it usually is.
 */

import { Cadence, type Freshness, freshness, STALE_MIN_MS } from "../values/freshness";

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
  /** Sources of which only some events are streamed: their usual interval is read, not learnt from the stream. */
  partlyStreamed: ReadonlySet<string> = new Set();
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
    if (!this.partlyStreamed.has(key)) source.cadence.add(ms);
    if (!isReverse) source.seenMs = Math.max(ms, source.seenMs ?? ms);
    else if (ms > clockMs) pass(source, ms);
    else source.seenMs = ms;
  }

  /** Learn the usual interval of a source from its newest events up to the clock; `isAll` if it has no more. */
  learn(key: string, times: readonly number[], isAll: boolean): void {
    this.sourceOf(key).cadence.learn(times, isAll);
  }

  /** Forget everything. */
  clear(): void {
    this.sources.clear();
  }

  /** The moment of the newest listing, which alone says what lanes sent that are not streamed. */
  listedMs = Number.NaN;

  /** How fresh a source is that is not streamed: as of the newest listing, which alone says what it has sent. */
  atListing(key: string, clockMs: number, setMs?: number): SourceAge {
    const now = this.at(key, clockMs, setMs);
    const isAhead = this.listedMs > clockMs && now.freshness === "live";
    if (isAhead || Number.isNaN(this.listedMs)) return now;
    const { seenMs } = this.sources.get(key) ?? {};
    return seenMs === undefined || seenMs > this.listedMs ? now : this.at(key, this.listedMs, setMs);
  }

  /** How fresh a source is as of the clock; stale after a set silence, or after one that is longer than usual. */
  at(key: string, clockMs: number, setMs?: number): SourceAge {
    const source = this.sources.get(key);
    if (source === undefined) return UNSEEN;
    const seenMs = newestOf(source, clockMs);
    if (seenMs !== undefined) return ageOf(source, clockMs - seenMs, clockMs, setMs);
    const nextMs = source.passedMs ?? source.seenMs;
    if (nextMs === undefined) return UNSEEN;
    // The event before is not known until the next listing, which says if the clock has met a silence.
    const usualMs = source.cadence.intervalAt(clockMs);
    if (usualMs === undefined) return { ageMs: undefined, freshness: "live" };
    return { ageMs: (usualMs - ((nextMs - clockMs) % usualMs)) % usualMs, freshness: "live" };
  }

  /** Whether the usual interval of a source at a moment is known, as it depends on that alone. */
  isLearnt(key: string, clockMs: number): boolean {
    const source = this.sources.get(key);
    if (source === undefined) return false;
    const seenMs = newestOf(source, clockMs);
    return seenMs === undefined ? source.cadence.intervalAt(clockMs) !== undefined : source.cadence.isKnownAt(seenMs);
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

/** The newest event up to the clock; undefined if it is not known. */
function newestOf({ seenMs, passedMs, cadence }: Source, clockMs: number): number | undefined {
  if (seenMs !== undefined && seenMs <= clockMs) return seenMs;
  return passedMs === undefined ? undefined : cadence.newestAt(clockMs);
}

function ageOf({ cadence }: Source, ageMs: number, clockMs: number, setMs?: number): SourceAge {
  const isSurelyLive = setMs === undefined && ageMs <= STALE_MIN_MS;
  return { ageMs, freshness: freshness(ageMs, setMs ?? (isSurelyLive ? STALE_MIN_MS : cadence.staleAfterMs(clockMs))) };
}
