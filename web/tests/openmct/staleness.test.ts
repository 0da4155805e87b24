import { expect, it } from "vitest";
import { SeriesSilence } from "../../openmct/src/staleness";

const at = (second: number) => ({ canonicalTruthTime: new Date(second * 1_000).toISOString() });

it("a series is stale after some of its usual intervals, or what its manifest says", () => {
  const [learnt, stated] = [new SeriesSilence(undefined), new SeriesSilence(2)];
  for (let second = 0; second <= 300; second += 30) {
    learnt.receive(at(second));
    stated.receive(at(second));
  }
  const isStale = (silence: SeriesSilence, second: number) => silence.at(second * 1_000).isStale;
  expect([isStale(learnt, 380), isStale(learnt, 400)]).toEqual([false, true]);
  expect([isStale(stated, 302), isStale(stated, 303)]).toEqual([false, true]);
  learnt.receive(at(400));
  expect(isStale(learnt, 401)).toBe(false);
});

it("a series without an event is stale", () => {
  expect(new SeriesSilence(undefined).at(0).isStale).toBe(true);
});
