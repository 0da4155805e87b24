import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Find, FindText } from "../../../src/api/protocol";
import type { FieldSpec, TextSpec } from "../../../src/model/search/search_spec";
import { sessionOf } from "../session/fake_session";

type Asked = Find | FindText;

// The session is replaced by the test: it answers one request after the other.
const world = vi.hoisted(() => ({ asked: [] as unknown[], replies: [] as unknown[] }));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: unknown) => {
      world.asked.push({ ...(message as object) });
      await Promise.resolve();
      const reply = world.replies.shift() ?? { findings: [], events: [] };
      if (reply instanceof Error) throw reply;
      return typeof reply === "function" ? (reply as () => unknown)() : reply;
    },
  }),
);

const tabs = await import("../page/fake_tabs");
const search = await import("../../../src/model/search/searches");
const saved = await import("../../../src/model/search/saved_searches");
const { excerptOf, matchBeside } = await import("../../../src/model/search/matches");
const { status } = await import("../../../src/model/session/session");
const { RequestError } = await import("../../../src/api/socket");
const { nothingText } = await import("../../../src/model/search/search_limits");
const { cursor, state, timebase } = await import("../../../src/model/clock/clock");
const { toast } = await import("../../../src/model/page/toast");
const { extent } = await import("../../../src/model/timeline/timeline_data");
const { visible } = await import("../../../src/model/timeline/span");
const { toMs } = await import("../../../src/model/values/time");

const SERIES = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "Power" } as const;
const HOT: FieldSpec = { kind: "field", series: SERIES, field: "t", fieldKind: "number", comparison: "above", value: "9", samples: "", seconds: "" };
const TEXT: TextSpec = { kind: "text", text: "door", sources: ["events", "commands"] };

function at(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`;
}

function finding(second: number, lasts = 0) {
  return { startTime: at(second), stopTime: at(second + lasts), samples: 1 + lasts, min: 10, max: 12 };
}

function event(second: number, type: string, more: object = {}) {
  const ids = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "hatch", eventId: `${second}` };
  return { ...ids, lane: "metadata", messageType: type, sourceTruthTime: at(second), canonicalTruthTime: at(second + 30), ...more };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

function asked(): Asked[] {
  return world.asked as Asked[];
}

beforeEach(() => {
  search.clearSearches();
  [world.asked, world.replies] = [[], []];
  [state.value, timebase.value, cursor.value] = ["PAUSED", "source", at(20)];
  [search.searchSpan.value, search.newestFirst.value] = ["archive", true];
  extent.value = { startMs: toMs(at(0)), stopMs: toMs(at(50)), events: 1, timebase: "source" };
});

describe("a search", () => {
  it("continues reply by reply behind the key of the last one, and says how far it is", async () => {
    const midway = { findings: [finding(40)], nextKey: "1:1", reached: at(30) };
    let progress = -1;
    const second = () => {
      progress = search.searches.value[0]?.progress ?? -1;
      return { findings: [finding(10, 5)] };
    };
    world.replies = [midway, second];
    expect(search.startSearch(HOT, false)).toBeUndefined();
    await settled();
    expect(asked().map(({ afterKey }) => afterKey)).toEqual([undefined, "1:1"]);
    expect(progress).toBeCloseTo(0.4);
    expect(search.searches.value[0]).toMatchObject({ state: "complete", progress: 1, isCut: false });
    expect(search.listedMatches.value.map(({ time, text }) => [time, text])).toEqual([
      [at(40), "10 to 12, 1 value"],
      [at(10), "10 to 12, 6 values"],
    ]);
    expect(search.matchMarkers.value.map(({ ms, stopMs }) => (stopMs ?? 0) - ms)).toEqual([5_000, 0]);
  });

  it("stops when it is told to, and keeps what was found", async () => {
    const stopping = () => {
      search.stopSearches();
      return { findings: [finding(40)], nextKey: "1:1", reached: at(30) };
    };
    world.replies = [stopping, { findings: [finding(1)] }];
    search.startSearch(HOT, false);
    await settled();
    expect(asked()).toHaveLength(1);
    expect(search.searches.value[0]).toMatchObject({ state: "stopped" });
    expect(search.allMatches.value).toHaveLength(1);
  });

  it("ends where there is too much, and says so", async () => {
    const page = { findings: Array.from({ length: 500 }, () => finding(3)), nextKey: "1:1", reached: at(3) };
    world.replies = Array.from({ length: 30 }, () => page);
    search.startSearch(HOT, false);
    for (let turn = 0; turn < 20; turn++) await settled();
    expect(search.searches.value[0]).toMatchObject({ state: "complete", isCut: true });
    expect(search.allMatches.value).toHaveLength(search.MATCHES_MAX);
    expect(asked()).toHaveLength(search.MATCHES_MAX / 500 + 1);
  });

  it("says what is unknown or missing, and why it failed", async () => {
    world.replies = [{ findings: [], unknownFields: ["t"] }];
    search.startSearch(HOT, false);
    await settled();
    expect(search.searches.value[0]?.note).toContain("No event of this series has the field t");
    world.replies = [{ findings: [], unknownSeries: true, behind: true }];
    search.startSearch(HOT, false);
    await settled();
    expect(search.searches.value[0]?.note).toMatch(/This series is unknown.*not searched yet/);
    world.replies = [new Error("no answer")];
    search.startSearch(HOT, false);
    await settled();
    expect(search.searches.value[0]).toMatchObject({ state: "failed", note: "no answer" });
    expect(search.startSearch({ ...HOT, value: "x" }, false)).toContain("is no number");
  });

  it("asks for the times of its choice, in its timebase and direction", async () => {
    visible.value = { startMs: toMs(at(5)), stopMs: toMs(at(15)) };
    search.newestFirst.value = false;
    for (const span of ["visible", "clock", "archive"] as const) {
      search.searchSpan.value = span;
      search.startSearch(HOT, false);
    }
    await settled();
    const times = asked().map(({ startTime, stopTime, reverse, timebase: base }) => [startTime, stopTime, reverse, base]);
    expect(times).toEqual([
      [at(5), at(15), false, "source"],
      [undefined, at(20), false, "source"],
      [undefined, undefined, false, "source"],
    ]);
  });

  it("finds texts in one part of the archive after the other, without chat unless asked for", async () => {
    const command = event(8, "CommandRequest", { lane: "command", commandType: "door.open", targetId: "hatch", payload: {} });
    world.replies = [{ events: [event(3, "Note", { payload: { text: "the Door is open" } }), event(4, "ChatMessage", { content: "door?" })] }, { events: [command] }];
    search.startSearch(TEXT, false);
    await settled();
    expect(asked().map((one) => (one as FindText).filters)).toEqual([{ lanes: ["metadata"] }, { lanes: ["command"] }]);
    expect(search.listedMatches.value.map(({ what, text }) => `${what}: ${text}`)).toEqual(["door.open: → hatch", "Note: text the Door is open"]);
  });

  it("that a Core did not answer is repeated when it does, over the same times; no other is", async () => {
    search.followCore();
    search.searchSpan.value = "clock";
    world.replies = [new RequestError("coreUnavailable", "away"), new RequestError("badRequest", "wrong"), { findings: [] }];
    for (const value of ["1", "2", "3"]) search.startSearch({ ...HOT, value }, true);
    await settled();
    expect(search.searches.value.map((one) => one.state)).toEqual(["failed", "failed", "complete"]);
    expect(nothingText(search.searches.value)).toBe("A search failed before anything was found: there may be matches.");
    cursor.value = at(45);
    world.replies = [{ findings: [finding(10)] }];
    status.value = {} as never;
    await settled();
    status.value = { timebase: "source" } as never;
    await settled();
    expect(search.searches.value.map((one) => one.state)).toEqual(["complete", "failed", "complete"]);
    expect(asked()).toHaveLength(4);
    expect(asked()[3]).toMatchObject({ value: 1, stopTime: at(20) });
  });

  it("says no matches only where all was searched", async () => {
    world.replies = [{ findings: [], nextKey: "1:1" }];
    search.startSearch(HOT, false);
    expect(nothingText(search.searches.value)).toBe("Searching…");
    search.stopSearches();
    await settled();
    search.stepMatch("next");
    expect(toast.value).toBe("The search was stopped before anything was found: there may be matches in the rest.");
    search.startSearch(HOT, false);
    await settled();
    search.stepMatch("next");
    expect(toast.value).toContain("No matches.");
  });

  it("says where the list ends that there may be more, unless all on that side was searched", async () => {
    const page = { findings: Array.from({ length: 500 }, (_, index) => finding(59 - (index % 40))), nextKey: "1:1", reached: at(20) };
    world.replies = Array.from({ length: 30 }, () => page);
    search.startSearch(HOT, false);
    for (let turn = 0; turn < 20; turn++) await settled();
    search.stepMatch("previous");
    expect(toast.value).toContain("The list was cut there: there may be earlier matches");
    cursor.value = at(59);
    search.stepMatch("next");
    expect(toast.value).toBe("There is no later match.");
    world.replies = [{ findings: [finding(40)], nextKey: "1:1", reached: at(30) }, new Error("no answer")];
    search.startSearch(HOT, false);
    await settled();
    cursor.value = at(40);
    search.stepMatch("previous");
    expect(toast.value).toBe("The search failed there: there may be earlier matches.");
    world.replies = [{ events: [event(40, "Note")], nextKey: "1:1", reached: at(30) }, new Error("no answer")];
    search.startSearch(TEXT, false);
    await settled();
    search.stepMatch("next");
    expect(toast.value).toBe("The search failed there: there may be later matches.");
  });
});

describe("several searches", () => {
  it("share one list, are limited in number, and are removed one by one", async () => {
    world.replies = [{ findings: [finding(10)] }, { findings: [finding(30), finding(2)] }];
    search.startSearch(HOT, false);
    search.startSearch({ ...HOT, value: "11" }, true);
    await settled();
    expect(search.allMatches.value.map(({ time }) => time)).toEqual([at(2), at(10), at(30)]);
    search.removeSearch(search.searches.value[0]?.number ?? 0);
    expect(search.allMatches.value).toHaveLength(2);
    for (let more = 1; more < search.SEARCHES_MAX; more++) search.startSearch(HOT, true);
    expect(search.startSearch(HOT, true)).toContain("at once are the most");
  });

  it("are walked from the clock, moment by moment, and leave LIVE with a word", async () => {
    world.replies = [{ findings: [finding(30), finding(10)] }, { findings: [finding(30)] }];
    search.startSearch(HOT, false);
    search.startSearch(HOT, true);
    await settled();
    search.stepMatch("next");
    expect(cursor.value).toBe(at(30));
    search.stepMatch("next");
    expect([cursor.value, toast.value]).toEqual([at(30), "There is no later match."]);
    search.stepMatch("previous");
    expect(cursor.value).toBe(at(10));
    search.stepMatch("previous");
    expect(toast.value).toBe("There is no earlier match.");
    [state.value, cursor.value] = ["LIVE", at(40)];
    search.stepMatch("previous");
    expect([cursor.value, state.value]).toEqual([at(30), "PAUSED"]);
    expect(toast.value).toContain("LIVE is left");
    search.clearSearches();
    search.stepMatch("next");
    expect(toast.value).toContain("There are no matches");
  });

  it("have no match beside a time where none is", () => {
    expect(matchBeside([], at(1), "next")).toBeUndefined();
    expect(matchBeside([], at(1), "previous")).toBeUndefined();
  });

  it("that two tabs save are all kept, and each hears of the other's", () => {
    saved.followSavedSearches();
    const other = (name: string) => ({ name, specs: [TEXT] });
    const names = () => saved.savedSearches.value.map(({ name }) => name);
    tabs.store("nova.searches.ann", [other("theirs"), other("gone")]);
    search.startSearch(HOT, false);
    saved.saveSearches("mine");
    expect(names()).toEqual(["gone", "mine", "theirs"]);
    saved.deleteSaved("gone");
    expect((tabs.stored("nova.searches.ann") as { name: string }[]).map(({ name }) => name)).toEqual(["mine", "theirs"]);
    tabs.storeInOtherTab("nova.searches.ann", [other("later")]);
    expect(names()).toEqual(["later"]);
    saved.deleteSaved("later");
  });

  it("are saved under a name for the user, replaced, run and deleted", async () => {
    expect(saved.saveSearches("hot")).toContain("Search first");
    search.startSearch(HOT, false);
    expect(saved.saveSearches("  ")).toContain("Type a name");
    expect(saved.saveSearches("hot")).toBeUndefined();
    search.startSearch(TEXT, true);
    expect(saved.saveSearches(" hot ")).toBeUndefined();
    expect(saved.savedSearches.value).toEqual([{ name: "hot", specs: [HOT, TEXT] }]);
    expect(saved.savedOf(JSON.parse(JSON.stringify(saved.savedSearches.value)))).toEqual(saved.savedSearches.value);
    expect(saved.savedOf([{ name: "x", specs: [{}] }, 3])).toEqual([]);
    search.clearSearches();
    saved.runSaved("hot");
    expect(search.searches.value.map(({ spec }) => spec)).toEqual([HOT, TEXT]);
    saved.deleteSaved("hot");
    expect(saved.savedSearches.value).toEqual([]);
  });
});

describe("an excerpt", () => {
  it("shows the text in its value, cut around it", () => {
    const long = event(1, "Note", { payload: { first: 1, text: `${"a".repeat(50)}DOOR${"b".repeat(200)}` } });
    const found = excerptOf(long as never, "door");
    expect(found).toMatch(/^text …a{30}DOORb+…$/);
    expect(excerptOf(event(1, "Note", { payload: { a: 1, text: "from İSTANBUL on" } }) as never, "istanbul")).toBe("text from İSTANBUL on");
    expect(excerptOf(event(1, "Door", { payload: { n: 3 } }) as never, "door")).toBe("n 3");
  });
});
