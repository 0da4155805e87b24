import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Query } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

/** What an archive has of notes, and what the page asks of it. */
const world = vi.hoisted(() => ({ asked: [] as Query[], events: [] as { canonicalTruthTime: string }[] }));

vi.useFakeTimers();
vi.mock("../../../src/model/session/session", () => sessionOf({ request }));

const { notes, startNotes } = await import("../../../src/model/notes/notes");
const { shownOptions, startRecordings } = await import("../../../src/model/recordings/recordings");
const { play, seek, state } = await import("../../../src/model/clock/clock");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { user } = await import("../../../src/model/session/session");
const { setVisible } = await import("../../../src/model/timeline/span");

const ASKED_MS = 400;
let recordingsAsked = 0;

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
}

function written(second: number, title: string) {
  return {
    eventId: title,
    lane: "metadata",
    messageType: "UserNote",
    scopeId: "sat",
    sourceTruthTime: at(second),
    canonicalTruthTime: at(second),
    payload: { title, user: "bob", timebase: "source", fromTime: at(0), toTime: at(1) },
  };
}

function request(message: { type: string }): Promise<object> {
  if (message.type === "recordings") recordingsAsked++;
  if (message.type === "recordings") return Promise.resolve({ recordings: [], gapSeconds: 60 });
  const query = message as Query;
  if (query.filters?.messageTypes?.[0] !== "UserNote") return Promise.resolve({ events: [] });
  world.asked.push(query);
  const found = world.events.filter(({ canonicalTruthTime }) => query.startTime == null || Date.parse(canonicalTruthTime) > Date.parse(query.startTime));
  return Promise.resolve({ events: [...found].reverse() });
}

const titles = () => notes.value.map(({ title }) => title).sort();
const rested = () => vi.advanceTimersByTimeAsync(ASKED_MS);

startNotes();
startRecordings();

beforeEach(async () => {
  [world.events, shownOptions.value, selectedEntity.value] = [[written(10, "own")], null, null];
  [user.value, user.value] = ["bob", "ann"];
  seek(at(5));
  await rested();
  world.asked = [];
  recordingsAsked = 0;
});

const WAYS: Readonly<Record<string, () => void>> = {
  "the clock moves": () => seek(at(6)),
  "the span moves": () => setVisible({ startMs: Date.parse(at(0)), stopMs: Date.parse(at(50)) + Math.random() }),
  "the recordings are shown": () => (shownOptions.value = { of: "all" }),
};

describe("a paused page", () => {
  it.each(Object.keys(WAYS))("has the notes and names of others once %s", async (name) => {
    world.events.push(written(20, "others"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([titles(), world.asked]).toEqual([["own"], []]);
    WAYS[name]?.();
    await rested();
    expect(titles()).toEqual(["others", "own"]);
    expect(world.asked.map(({ startTime }) => Date.parse(startTime ?? ""))).toEqual([Date.parse(at(10))]);
  });

  it("asks once for moves that follow one another, and for new notes alone", async () => {
    for (let count = 0; count < 20; count++) seek(at(count));
    await rested();
    expect(world.asked).toHaveLength(1);
  });

  it("lists recordings again with a move, at most every ten seconds", async () => {
    shownOptions.value = { of: "all" };
    await rested();
    expect(recordingsAsked).toBe(1);
    for (let count = 0; count < 8; count++) {
      seek(at(count));
      await rested();
    }
    expect(recordingsAsked).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(recordingsAsked).toBe(2);
  });
});

it("a replay has the notes of others now and then", async () => {
  play();
  await rested();
  world.events.push(written(20, "others"));
  await vi.advanceTimersByTimeAsync(6_000);
  expect(titles()).toEqual(["others", "own"]);
  state.value = "PAUSED";
});
