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

/** The intervals between the events of one source, learnt in either direction of time. */
export class Cadence {
  private gapsMs: number[] = [];
  private lastMs: number | undefined;

  /** Add the time of the next event in the direction of the stream. */
  add(ms: number): void {
    const gapMs = this.lastMs === undefined ? 0 : Math.abs(ms - this.lastMs);
    if (this.lastMs !== undefined && gapMs < GAP_MIN_MS) return;
    this.lastMs = ms;
    if (gapMs === 0) return;
    this.gapsMs.push(gapMs);
    if (this.gapsMs.length > GAPS_MAX) this.gapsMs.shift();
  }

  /** The clock has jumped: the next event does not follow the last. */
  interrupt(): void {
    this.lastMs = undefined;
  }

  /** The usual interval: the longest but one, as one silence makes none. Undefined while it is not known. */
  get intervalMs(): number | undefined {
    if (this.gapsMs.length < GAPS_MIN) return undefined;
    return [...this.gapsMs].sort((one, other) => other - one)[1];
  }

  /** After how long a silence the source is stale. */
  get staleAfterMs(): number {
    return Math.max(STALE_MIN_MS, USUAL_INTERVALS * (this.intervalMs ?? 0));
  }
}
