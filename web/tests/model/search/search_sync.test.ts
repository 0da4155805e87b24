import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Find } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

const world = vi.hoisted(() => ({ asked: [] as unknown[] }));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: { type: string }) => {
      if (message.type === "find") world.asked.push(message);
      return { findings: [], events: [], time: "2026-01-01T00:01:00Z" };
    },
  }),
);

const place = { hash: "" };
const listeners: (() => void)[] = [];
vi.stubGlobal("location", place);
vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("addEventListener", (name: string, listener: () => void) => name === "hashchange" && listeners.push(listener));
vi.stubGlobal("history", { state: null, replaceState: (_: unknown, __: string, hash: string) => (place.hash = hash) });

const { openMoment } = await import("../../../src/model/address/url_sync");
const { openTimeline } = await import("../../../src/model/timeline/timeline_sync");
const { startSearching } = await import("../../../src/model/search/search_sync");
const { searchLinkFault } = await import("../../../src/model/search/search_link");
const { formFault, searchOpen } = await import("../../../src/model/search/search_form");
const search = await import("../../../src/model/search/searches");
const { cursor, timebase } = await import("../../../src/model/clock/clock");

const SERIES = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "Power" };
const HOT = { kind: "field", series: SERIES, field: "t", fieldKind: "number", comparison: "above", value: "9", samples: "", seconds: "" };

function at(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`;
}

function link(find: unknown, more = `t=${at(20)}&state=paused&tb=source`): string {
  const text = typeof find === "string" ? find : JSON.stringify(find);
  return `#${more}&find=${encodeURIComponent(text)}`;
}

/** A person opens another address. */
function open(hash: string): void {
  place.hash = hash;
  for (const listener of listeners) listener();
}

function times(): unknown[] {
  return (world.asked as Find[]).map(({ startTime, stopTime, timebase: base }) => [startTime, stopTime, base]);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

// The connection is open before the status reply, behind which the app opens the timeline.
place.hash = link({ specs: [HOT], span: "clock" }, `t=${at(20)}&state=paused&tb=canonical`);
startSearching();

beforeEach(() => {
  [world.asked, formFault.value, searchOpen.value] = [[], "", false];
});

describe("a link with a search", () => {
  it("starts one search at the first connection, when its moment is shown", async () => {
    await settled();
    expect(times()).toEqual([]);
    openMoment();
    await openTimeline();
    await settled();
    expect(times()).toEqual([[undefined, at(20), "canonical"]]);
    expect([searchOpen.value, cursor.value, timebase.value]).toEqual([true, at(20), "canonical"]);
  });

  it("starts one search when it is opened later, over its span, clock and timebase", async () => {
    const moment = `t=${at(50)}&state=paused&tb=source&from=${at(5)}&to=${at(15)}`;
    open(link({ specs: [HOT], span: "visible" }, moment));
    await settled();
    expect(times()).toEqual([[at(5), at(15), "source"]]);
    world.asked = [];
    open(link({ specs: [HOT], span: "clock" }, `t=${at(30)}&state=paused&tb=canonical`));
    open(link({ specs: [HOT], span: "clock" }, `t=${at(40)}&state=paused&tb=canonical`));
    await settled();
    expect(times()).toEqual([
      [undefined, at(30), "canonical"],
      [undefined, at(40), "canonical"],
    ]);
  });

  it("says in a sentence what it does not search", async () => {
    search.clearSearches();
    const start = "The search of the link cannot be started: ";
    const faulty: [unknown, string][] = [
      [{ specs: [{ ...HOT, value: "warm" }], span: "archive" }, `${start}“warm” is no number, and t has numbers.`],
      ['{"specs":[{"kind"', `${start}its “find” is no list of searches, or was cut off. Copy the whole link again.`],
      ["3", `${start}its “find” is no list of searches, or was cut off. Copy the whole link again.`],
      [{ specs: [{ ...HOT, comparison: "near" }] }, `${start}A search is a text with its sources, or a field with its series, condition and value.`],
      [{ specs: [HOT], span: "soon" }, `${start}its span has to be one of visible, archive, clock.`],
    ];
    for (const [find, words] of faulty) {
      [searchOpen.value, formFault.value] = [false, ""];
      open(link(find));
      expect([formFault.value, searchOpen.value]).toEqual([words, true]);
      expect(searchLinkFault.value, "said where the form is not in sight").toBe(words);
    }
    expect(search.searches.value).toEqual([]);
    open(link({ specs: [{ ...HOT, value: "warm" }, HOT] }));
    expect(formFault.value).toBe("1 of the 2 searches of the link cannot be searched: “warm” is no number, and t has numbers.");
    open(link({ specs: Array.from({ length: 9 }, (_, value) => ({ ...HOT, value: `${value}` })) }));
    expect(formFault.value).toBe("The link has 9 searches, and 8 at once are the most: the others are left out.");
    expect(search.searches.value).toHaveLength(8);
    open(link({ specs: [HOT] }));
    expect([formFault.value, search.searches.value.length]).toEqual(["", 1]);
    await settled();
  });

  it("is repeated in another timebase", async () => {
    timebase.value = "canonical";
    await settled();
    expect(times()).toEqual([[undefined, undefined, "canonical"]]);
  });
});
