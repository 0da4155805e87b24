import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Recordings } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

// The session is replaced by the test: it answers one request after the other.
const world = vi.hoisted(() => ({ asked: [] as unknown[], replies: [] as unknown[] }));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: { type: string }) => {
      if (message.type !== "recordings") return { events: [] };
      world.asked.push(message);
      await Promise.resolve();
      const reply = world.replies.shift() ?? page([]);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  }),
);

const list = await import("../../../src/model/recordings/recordings");
const actions = await import("../../../src/model/recordings/recording_actions");
const { recoveries } = await import("../../../src/model/session/session");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { state, cursor, timebase } = await import("../../../src/model/clock/clock");
const { layout } = await import("../../../src/model/layout/layout_store");
const { allPanels } = await import("../../../src/model/layout/layout");
const { selection, visible } = await import("../../../src/model/timeline/span");
const { toMs } = await import("../../../src/model/values/time");

const ENTITY = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery" };
const YEARS = [2024, 2017, 2010, 2003, 1995, 1990, 1985, 1980, 1975];

function at(year: number, minute = 0): string {
  return `${year}-05-01T10:0${minute}:00.000000000Z`;
}

function page(years: readonly number[], nextKey?: string, gapSeconds = 60) {
  const recordings = years.map((year) => ({ startTime: at(year), stopTime: at(year, 5), events: 9, entities: 1 }));
  return { timebase: "source", gapSeconds, recordings, ...(nextKey === undefined ? {} : { nextKey, reached: at((years.at(-1) ?? 1970) - 1) }) };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}

async function show(...replies: unknown[]): Promise<void> {
  world.replies.push(...replies);
  list.shownOptions.value = {};
  await settled();
}

const asked = () => world.asked as Recordings[];
const begins = () => list.recordings.value?.map(({ from }) => Number(from.slice(0, 4)));

list.startRecordings();

beforeEach(async () => {
  list.shownOptions.value = null;
  await settled();
  [world.asked, world.replies] = [[], []];
  [state.value, timebase.value, cursor.value] = ["PAUSED", "source", at(2024)];
  selectedEntity.value = ENTITY;
  list.recordingSearch.value = "";
  actions.chooseNone();
});

describe("the list of recordings", () => {
  it("asks once, for the selected entity, its scope or everything", async () => {
    await show(page([2024, 2017]));
    expect(begins()).toEqual([2024, 2017]);
    list.shownOptions.value = { of: "scope" };
    await settled();
    list.shownOptions.value = { of: "all", gap: "h1" };
    await settled();
    const { scopeId, ...ids } = ENTITY;
    expect(asked().map(({ filters }) => filters)).toEqual([{ scopeIds: [scopeId], ...ids }, { scopeIds: [scopeId] }, {}]);
    expect(asked().map(({ gapSeconds }) => gapSeconds)).toEqual([undefined, undefined, 3_600]);
  });

  it("asks nothing without a panel, or without an entity", async () => {
    selectedEntity.value = null;
    await show();
    expect(list.recordingSource.value).toBeNull();
    list.shownOptions.value = null;
    selectedEntity.value = ENTITY;
    await settled();
    expect(asked()).toEqual([]);
  });

  it("asks anew for another entity and the other clock, and shows nothing of the one before", async () => {
    await show(page([2024]));
    selectedEntity.value = { ...ENTITY, uniqueId: "panel" };
    expect(list.recordings.value).toBeNull();
    await settled();
    timebase.value = "canonical";
    await settled();
    expect(asked().map((one) => one.timebase)).toEqual(["source", "source", "canonical"]);
  });

  it("looks further back by the same gap, and keeps what is there", async () => {
    await show(page([2024, 2017], "k", 300));
    expect(list.recordingsReached.value).toBe(at(2016));
    world.replies.push(page([2010], undefined, 300));
    list.readOlderRecordings();
    await settled();
    expect(begins()).toEqual([2024, 2017, 2010]);
    expect(asked()[1]).toMatchObject({ afterKey: "k", gapSeconds: 300 });
    list.readOlderRecordings();
    await settled();
    expect(asked()).toHaveLength(2);
  });

  it("continues over replies without recordings, but not for ever", async () => {
    await show(page([], "a"), page([], "b"), page([1995], "c"));
    expect(asked().map(({ afterKey }) => afterKey)).toEqual([undefined, "a", "b"]);
    expect(begins()).toEqual([1995]);
    world.replies.push(...Array.from({ length: 30 }, () => page([], "d")));
    list.readOlderRecordings();
    await settled();
    expect(asked()).toHaveLength(3 + 10);
  });

  it("says why there is none, and asks at once when there are replies again", async () => {
    await show(new Error("busy"));
    expect(list.recordingsError.value).toBe("busy");
    world.replies.push(page([2003]));
    recoveries.emit();
    await settled();
    expect([begins(), list.recordingsError.value]).toEqual([[2003], ""]);
  });
});

describe("a recording", () => {
  it("is fitted into view with the clock at its begin or end, or selected", async () => {
    await show(page([2003]));
    const [one] = list.listedRecordings.value;
    if (one === undefined) throw new Error("none is listed");
    state.value = "LIVE";
    actions.goToRecording(one);
    expect([state.value, cursor.value]).toEqual(["PAUSED", at(2003)]);
    expect(visible.value.startMs).toBeLessThan(toMs(at(2003)));
    expect(visible.value.stopMs).toBeGreaterThan(toMs(at(2003, 5)));
    actions.goToRecording(one, "to");
    expect(cursor.value).toBe(at(2003, 5));
    actions.selectRecording(one);
    expect(selection.value).toEqual({ startMs: toMs(at(2003)), stopMs: toMs(at(2003, 5)) });
  });

  it("becomes a lane with up to seven others, the oldest first", async () => {
    await show(page(YEARS));
    for (const one of list.listedRecordings.value) actions.chooseRecording(one, true);
    expect(actions.chosenRecordings.value).toHaveLength(8);
    for (const one of list.listedRecordings.value.slice(2)) actions.chooseRecording(one, false);
    actions.openAsLanes();
    const lanes = allPanels(layout.value).find(({ kind }) => kind === "aligned");
    expect(lanes?.options).toEqual({
      fields: [],
      lanes: [2017, 2024].map((year) => ({ name: `${year}-05-01 10:00:00`, start: at(year) })),
      lengthS: 300,
    });
    expect(actions.chosenRecordings.value).toEqual([]);
  });
});
