/** How fresh an entity is: the age of its newest event against the clock. */

export type Freshness = "live" | "stale" | "old" | "unseen";

const LIVE_MAX_MS = 10_000;
const STALE_MAX_MS = 300_000;

export const FRESHNESS_TEXTS: Readonly<Record<Freshness, string>> = {
  live: "live",
  stale: "stale",
  old: "old",
  unseen: "not seen yet at this time",
};

/** The freshness of an age in ms; undefined means never seen. */
export function freshness(ageMs: number | undefined): Freshness {
  if (ageMs === undefined) return "unseen";
  if (ageMs <= LIVE_MAX_MS) return "live";
  return ageMs <= STALE_MAX_MS ? "stale" : "old";
}
