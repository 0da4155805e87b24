import { describe, expect, it } from "vitest";
import {
  type AnsweredState,
  cellsOf,
  foldUpdates,
  isDoubtful,
  isUpdate,
  markComplete,
  mergeAnswer,
  stateOfAnswer,
  type ViewState,
} from "../../../src/model/cards/ui_state";
import type { StoredEvent } from "../../../src/model/values/event";
import { eventOrder, orderTime } from "../../../src/model/values/event_order";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed + 1);
const KEYS = ["a", "b", "c", "d"];
const BASES = ["source", "canonical"] as const;
type Base = (typeof BASES)[number];

/** A seeded random generator, so that failures are reproducible. */
function generator(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}

function at(tick: number): string {
  return `2026-01-01T00:00:00.${String(tick).padStart(9, "0")}Z`;
}

/** Updates with ties, late ones and two versions; each has its own canonical time. */
function updates(random: () => number, count: number, versions = 1): StoredEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const data: Record<string, unknown> = {};
    for (const key of KEYS) if (random() < 0.4) data[key] = Math.floor(random() * 1000);
    return {
      ...{ scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" },
      ...{ lane: "ui" as const, messageType: "UiUpdate", viewId: "v", manifestId: "m" },
      eventId: Math.floor(random() * 2 ** 48).toString(16).padStart(12, "0"),
      sourceTruthTime: at(Math.floor(random() * (count / 2))),
      canonicalTruthTime: at(1_000 + index),
      manifestVersion: `${1 + Math.floor(random() * versions)}.0.0`,
      data,
    };
  });
}

function shuffled<T>(random: () => number, all: readonly T[]): T[] {
  const found = [...all];
  for (let index = found.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [found[index], found[other]] = [found[other] as T, found[index] as T];
  }
  return found;
}

function inOrder(all: readonly StoredEvent[], base: Base): StoredEvent[] {
  return [...all].sort((one, two) => (eventOrder(one, base) < eventOrder(two, base) ? -1 : 1));
}

/** The reference state: sort, then let each update set its keys. */
function bruteForce(all: readonly StoredEvent[], base: Base): { version: string; state: Record<string, unknown> } {
  const sorted = inOrder(all, base);
  const version = String(sorted.at(-1)?.["manifestVersion"]);
  const same = sorted.filter((event) => event["manifestVersion"] === version);
  return { version, state: Object.assign({}, ...same.map((event) => event["data"] as object)) as Record<string, unknown> };
}

/** A server's reply for these updates. */
function answerOf(all: readonly StoredEvent[], base: Base): AnsweredState {
  const { version, state } = bruteForce(all, base);
  const sorted = inOrder(all, base);
  const last = sorted.at(-1) as StoredEvent;
  const keyTimes: Record<string, string> = {};
  for (const event of sorted.filter((one) => one["manifestVersion"] === version)) {
    for (const key of Object.keys(event["data"] as object)) keyTimes[key] = orderTime(eventOrder(event, base));
  }
  return {
    ...{ scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z", viewId: "v", manifestId: "m" },
    ...{ manifestVersion: version, state, keyTimes },
    lastTime: orderTime(eventOrder(last, base)),
    lastEventId: last.eventId,
  };
}

function fold(all: readonly StoredEvent[], base: Base, from?: ViewState): ViewState {
  return foldUpdates(from, all, base);
}

function shownOf(view: ViewState): Record<string, unknown> {
  return Object.fromEntries([...cellsOf(view)].map(([key, cell]) => [key, cell.value]));
}

describe.each(BASES)("the fold in %s time", (base) => {
  it.each(SEEDS)("equals that of the sorted updates, whatever the order and repetition, seed %i", (seed) => {
    const random = generator(seed);
    const all = updates(random, 40, 2);
    const wanted = bruteForce(all, base);
    const repeated = [...all, ...shuffled(random, all).slice(0, 10)];
    for (let round = 0; round < 5; round++) {
      const mixed = shuffled(random, repeated);
      // All at once, and one by one.
      const single = mixed.reduce<ViewState | undefined>((known, event) => fold([event], base, known), undefined);
      for (const view of [fold(mixed, base), single as ViewState]) {
        expect(view.manifestVersion).toBe(wanted.version);
        expect(shownOf(view)).toEqual(wanted.state);
      }
    }
  });

  it.each(SEEDS)("continues from a reply, overlapping or not, to the same state, seed %i", (seed) => {
    const random = generator(seed);
    const all = inOrder(updates(random, 40), base);
    const known = 1 + Math.floor(random() * 39);
    const answer = stateOfAnswer(answerOf(all.slice(0, known), base));
    // The stream begins before the reply ends, and part of it arrives before the reply.
    const streamed = all.slice(Math.max(0, known - 8));
    const early = Math.floor(random() * streamed.length);
    const before = early === 0 ? undefined : fold(streamed.slice(0, early), base);
    const view = fold(streamed.slice(early), base, mergeAnswer(before, answer));
    const shown = shownOf(view);
    if (!isDoubtful(view)) expect(shown).toEqual(bruteForce(all, base).state);
    // The next reply clears a doubt.
    const again = mergeAnswer(view, stateOfAnswer(answerOf(all, base)));
    expect(shownOf(again)).toEqual(bruteForce(all, base).state);
    expect(isDoubtful(mergeAnswer(again, stateOfAnswer(answerOf(all, base))))).toBe(false);
  });

  it.each(SEEDS.slice(0, 20))("is replaced by a reply of an earlier time, seed %i", (seed) => {
    const random = generator(seed);
    const all = inOrder(updates(random, 40, 2), base);
    const middle = 1 + Math.floor(random() * 38);
    // Forwards to the end, then back to the middle: going backwards starts with a reply only.
    fold(all, base);
    const back = mergeAnswer(undefined, stateOfAnswer(answerOf(all.slice(0, middle), base)));
    expect(shownOf(back)).toEqual(bruteForce(all.slice(0, middle), base).state);
  });
});

function update(tick: number, data: Record<string, unknown>, eventId = "aa", version = "1.0.0"): StoredEvent {
  const [event] = updates(() => 0, 1);
  const times = { sourceTruthTime: at(tick), canonicalTruthTime: at(tick) };
  return { ...(event as StoredEvent), ...times, eventId, data, manifestVersion: version };
}

describe("a late update", () => {
  it("never moves a value backwards, and sets the keys that no later one has set", () => {
    const view = fold([update(10, { a: 1 }), update(5, { a: 0, b: 7 })], "source");
    expect(shownOf(view)).toEqual({ a: 1, b: 7 });
    expect(orderTime(view.order)).toBe(at(10));
  });

  it("is ordered by the eventId when times are equal", () => {
    const [one, two] = [update(5, { a: 1 }, "aa"), update(5, { a: 2 }, "bb")];
    expect(shownOf(fold([two, one], "source"))).toEqual({ a: 2 });
    expect(shownOf(fold([one, two], "source"))).toEqual({ a: 2 });
  });

  it("is in doubt when a reply does not name the eventId that set its key", () => {
    const answer = stateOfAnswer(answerOf([update(5, { a: 1 }, "aa"), update(6, { b: 1 }, "bb")], "source"));
    const same = fold([update(5, { a: 1 }, "cc")], "source", answer);
    expect(isDoubtful(same)).toBe(false);
    const other = fold([update(5, { a: 2 }, "cc")], "source", answer);
    expect(isDoubtful(other)).toBe(true);
    const all = [update(5, { a: 1 }, "aa"), update(5, { a: 2 }, "cc"), update(6, { b: 1 }, "bb")];
    const asked = mergeAnswer(other, stateOfAnswer(answerOf(all, "source")));
    expect(isDoubtful(asked)).toBe(false);
    expect(shownOf(asked)).toEqual({ a: 2, b: 1 });
  });
});

describe("another version", () => {
  it("begins with its own keys, and is queried when its past is unknown", () => {
    const first = mergeAnswer(undefined, stateOfAnswer(answerOf([update(1, { a: 1, b: 1 })], "source")));
    const view = fold([update(2, { a: 2 }, "bb", "2.0.0")], "source", first);
    expect(shownOf(view)).toEqual({ a: 2 });
    expect(isDoubtful(view)).toBe(true);
    const back = fold([update(3, { b: 3 }, "cc")], "source", view);
    expect(shownOf(back)).toEqual({ a: 1, b: 3 });
    expect(isDoubtful(back)).toBe(false);
  });

  it("is complete from its first update when the server knew nothing of the view", () => {
    const view = fold([update(1, { a: 1 })], "source");
    expect(isDoubtful(view)).toBe(true);
    expect(isDoubtful(markComplete(view))).toBe(false);
  });
});

describe("an update", () => {
  it("is an event of the ui lane with data", () => {
    expect(isUpdate(update(1, { a: 1 }))).toBe(true);
    expect(isUpdate({ ...update(1, {}), lane: "parsed" })).toBe(false);
    expect(isUpdate({ ...update(1, {}), data: [1] })).toBe(false);
  });

  it("is ordered by its instant, whatever the spelling of its time", () => {
    const spelled = { ...update(0, { a: 2 }), sourceTruthTime: "2026-01-01T01:00:00.5+01:00" };
    const before = update(499_999_999, { a: 1 });
    expect(shownOf(fold([spelled, before], "source"))).toEqual({ a: 2 });
    expect(shownOf(fold([{ ...spelled, sourceTruthTime: "2026-01-01T00:00:00.49Z" }, before], "source"))).toEqual({ a: 1 });
  });
});
