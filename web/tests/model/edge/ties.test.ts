import { beforeEach, describe, expect, it, vi } from "vitest";

type Ties = typeof import("../../../src/model/edge/ties");
type Stream = Parameters<Ties["noteTies"]>[0][number];

const stored = new Map<string, string>();
vi.stubGlobal("sessionStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => void stored.set(key, value),
});

function stream(members: Partial<Stream> = {}): Stream {
  const definition = { name: "down", port: 7001 };
  return { streamId: "a", definition, enabled: true, listening: true, tiedBy: null, tiedHere: false, ...members } as Stream;
}

/** The module as a page that has just loaded has it. */
async function load(): Promise<Ties> {
  vi.resetModules();
  return import("../../../src/model/edge/ties");
}

beforeEach(() => stored.clear());

describe("ties", () => {
  it("are lost when the stream follows something else, and it is said what", async () => {
    const ties = await load();
    ties.noteTies([stream({ tiedHere: true, tiedBy: "ann" })]);
    expect(ties.lostTies.value).toEqual([]);
    ties.noteTies([stream({ tiedBy: "bob" })]);
    expect(ties.lostTies.value).toEqual([
      { streamId: "a", name: "down", now: "follows the timeline of bob", canTie: true },
    ]);
    ties.noteTies([stream({ enabled: false, listening: false })]);
    expect(ties.lostTies.value[0]).toMatchObject({ now: "is stopped", canTie: false });
    ties.noteTies([stream({ tiedHere: true })]);
    expect(ties.lostTies.value).toEqual([]);
  });

  it("are remembered over a reload, which ties nothing by itself", async () => {
    (await load()).noteTies([stream({ tiedHere: true })]);
    const again = await load();
    again.noteTies([stream()]);
    expect(again.lostTies.value).toMatchObject([{ name: "down", now: "follows the present" }]);
    again.dismissTie("a");
    again.noteTies([stream()]);
    expect(again.lostTies.value).toEqual([]);
    const later = await load();
    later.noteTies([stream()]);
    expect(later.lostTies.value).toEqual([]);
  });

  it("are not lost when the user unties, or the stream is deleted", async () => {
    const ties = await load();
    ties.noteTies([stream({ tiedHere: true })]);
    ties.setTie("a", false);
    ties.noteTies([stream()]);
    expect(ties.lostTies.value).toEqual([]);
    ties.setTie("a", true);
    ties.noteTies([]);
    expect(ties.lostTies.value).toEqual([]);
  });
});
