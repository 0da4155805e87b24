import { describe, expect, it } from "vitest";
import { SeenTimes } from "../../../src/model/entities/seen_times";

const SECOND = 1_000;

/** Times of the events of sources: regular, silent for a while, and begun late. */
const EVENTS: Readonly<Record<string, readonly number[]>> = {
  regular: Array.from({ length: 600 }, (_, second) => second * SECOND),
  paused: Array.from({ length: 600 }, (_, second) => second * SECOND).filter((ms) => ms < 200_000 || ms >= 400_000),
  late: Array.from({ length: 100 }, (_, second) => (500 + second) * SECOND),
};

function listed(clockMs: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const [key, times] of Object.entries(EVENTS)) {
    const newest = times.filter((ms) => ms <= clockMs).at(-1);
    if (newest !== undefined) found.set(key, newest);
  }
  return found;
}

function truth(key: string, clockMs: number): string {
  const ms = listed(clockMs).get(key);
  return ms === undefined ? "unseen" : clockMs - ms <= 10_000 ? "live" : "stale";
}

/** The clock moves in steps, as it does at a rate; all events in between are streamed. */
function wrongMoments(fromMs: number, untilMs: number, stepMs: number, listEveryMs: number): string[] {
  const seen = new SeenTimes();
  const isReverse = stepMs < 0;
  seen.merge(listed(fromMs), fromMs, isReverse);
  const wrong: string[] = [];
  let listedMs = fromMs;
  for (let clockMs = fromMs + stepMs; isReverse ? clockMs >= untilMs : clockMs <= untilMs; clockMs += stepMs) {
    for (const [key, times] of Object.entries(EVENTS)) {
      const passed = times.filter((ms) => (isReverse ? ms >= clockMs && ms < clockMs - stepMs : ms > clockMs - stepMs && ms <= clockMs));
      for (const ms of isReverse ? passed.reverse() : passed) seen.add(key, ms, clockMs, isReverse);
    }
    if (Math.abs(clockMs - listedMs) >= listEveryMs) {
      // The listing is of a moment before, as its reply takes time.
      seen.merge(listed(clockMs - stepMs), clockMs, isReverse);
      listedMs = clockMs;
    }
    for (const key of Object.keys(EVENTS)) {
      const found = seen.at(key, clockMs);
      expect(found.ageMs ?? 0, "no event lies after the clock").toBeGreaterThanOrEqual(0);
      if (found.freshness !== truth(key, clockMs)) wrong.push(`${key} at ${clockMs / SECOND}: ${found.freshness}, not ${truth(key, clockMs)}`);
    }
  }
  return wrong;
}

describe("when sources were seen", () => {
  it.each([250, 1_250, 15_000])("is right at every moment of a replay in steps of %i ms", (stepMs) => {
    expect(wrongMoments(0, 599_000, stepMs, Infinity)).toEqual([]);
  });

  it.each([250, 1_250, 5_000])("is right backwards in steps of %i ms but for the moment at which a silence is met", (stepMs) => {
    const wrong = wrongMoments(599_500, 0, -stepMs, Math.max(500, 2 * stepMs));
    // Until the next listing: whether a source is silent, or was not there yet, is not known.
    const known = wrong.filter((text) => !/late at (49\d|48\d)|paused at (39\d|38\d)/.test(text));
    expect(known).toEqual([]);
  });

  it.each([1_000, 2_500, 15_000])("has an age backwards in steps of %i ms, and takes no regular source for stale", (stepMs) => {
    const intervalsS = [1, 7, 10, 20];
    const timesOf = (everyS: number) => Array.from({ length: 1_200 / everyS }, (_, index) => index * everyS * SECOND);
    const listing = (ms: number) => new Map(intervalsS.map((everyS) => [String(everyS), timesOf(everyS).filter((one) => one <= ms).at(-1) ?? 0]));
    const seen = new SeenTimes();
    seen.merge(listing(1_190_000), 1_190_000, true);
    for (const everyS of intervalsS) seen.learn(String(everyS), timesOf(everyS).filter((ms) => ms <= 1_190_000).slice(-9), false);
    for (let clockMs = 1_190_000 - stepMs, step = 1; clockMs > 60_000; clockMs -= stepMs, step++) {
      for (const everyS of intervalsS) {
        for (const ms of timesOf(everyS).filter((one) => one > clockMs && one <= clockMs + stepMs).reverse()) seen.add(String(everyS), ms, clockMs, true);
        const found = seen.at(String(everyS), clockMs);
        expect(found.freshness, `${everyS} s at ${clockMs}`).toBe("live");
        expect(found.ageMs, `${everyS} s at ${clockMs}`).toBe(clockMs % (everyS * SECOND));
      }
      if (step % 3 === 0) seen.merge(listing(clockMs + stepMs), clockMs, true);
    }
  });

  it("backwards is not of events that were known at another moment", () => {
    const seen = new SeenTimes();
    seen.learn("a", [0, 1_000, 2_000, 3_000, 4_000], false);
    seen.reset();
    seen.merge(new Map([["a", 540_000]]), 527_000, true);
    expect(seen.at("a", 527_000).freshness).toBe("live");
  });

  it("is of the newest listing where a source is not streamed", () => {
    const seen = new SeenTimes();
    seen.merge(new Map([["a", 59_000]]), 60_000, false);
    seen.listedMs = 60_000;
    expect(seen.at("a", 90_000).freshness).toBe("stale");
    expect(seen.atListing("a", 90_000)).toEqual({ ageMs: 1_000, freshness: "live" });
    expect(seen.atListing("a", 66_000), "no age that looks like silence").toEqual({ ageMs: 1_000, freshness: "live" });
    seen.add("a", 65_000, 66_000, false);
    expect(seen.atListing("a", 66_000), "what is streamed goes on").toEqual({ ageMs: 1_000, freshness: "live" });
    expect(seen.atListing("a", 68_000).ageMs).toBe(3_000);
    seen.merge(new Map([["a", 59_000]]), 90_000, false);
    seen.listedMs = 90_000;
    expect(seen.atListing("a", 95_000).freshness).toBe("stale");
  });

  it("is of the moment after a jump", () => {
    const seen = new SeenTimes();
    seen.merge(new Map([["a", 9_000]]), 9_000, false);
    seen.reset();
    expect(seen.at("a", 5_000).freshness).toBe("unseen");
    seen.merge(new Map([["a", 4_000]]), 5_000, false);
    expect(seen.at("a", 5_000)).toEqual({ ageMs: 1_000, freshness: "live" });
    expect(seen.at("a", 5_000, 500).freshness, "by a set interval").toBe("stale");
  });
});
