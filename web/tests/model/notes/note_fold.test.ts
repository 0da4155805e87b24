import { describe, expect, it } from "vitest";
import { noteMarkersOf, notesAsOf } from "../../../src/model/notes/note_fold";
import type { StoredEvent } from "../../../src/model/values/event";

function note(id: string, payload: Record<string, unknown>, scopeId = "sat"): StoredEvent {
  return {
    eventId: id,
    scopeId,
    lane: "metadata",
    systemId: "__scope__",
    containerId: "__scope__",
    uniqueId: "__scope__",
    sourceTruthTime: "2026-01-01T00:00:00Z",
    canonicalTruthTime: "2026-01-02T00:00:00Z",
    messageType: "UserNote",
    payload: { user: "ann", timebase: "source", writtenTime: "2026-01-02T00:00:00Z", ...payload },
  };
}

const DIP = note("a", { text: "dip", fromTime: "2026-01-01T00:00:00Z" });
const BETTER = note("b", { text: "battery dip", fromTime: "2026-01-01T00:00:00Z", toTime: "2026-01-01T00:05:00Z", replaces: "a", user: "bob" });
const GONE = note("c", { replaces: "b" });
const texts = (events: StoredEvent[], count: number) => notesAsOf(events, count).map(({ text, isLater }) => `${text}${isLater ? " (later)" : ""}`);

describe("notes", () => {
  it("are as they were known, and those written later that still stand are marked", () => {
    expect(texts([DIP, BETTER], 2)).toEqual(["battery dip"]);
    expect(texts([DIP, BETTER], 1).sort()).toEqual(["battery dip (later)", "dip"]);
    expect(texts([DIP, BETTER], 0)).toEqual(["battery dip (later)"]);
    expect(texts([DIP, BETTER, GONE], 3)).toEqual([]);
    expect(texts([DIP, BETTER, GONE], 2)).toEqual(["battery dip"]);
    expect(texts([DIP, BETTER, GONE], 1)).toEqual(["dip"]);
  });

  it("are the same when a replacement arrived before what it replaces", () => {
    expect(texts([GONE, BETTER, DIP], 3)).toEqual([]);
    expect(texts([BETTER, DIP], 2)).toEqual(["battery dip"]);
  });

  it("are replaced only within their scope", () => {
    expect(texts([DIP, note("d", { replaces: "a" }, "other")], 2)).toEqual(["dip"]);
  });

  it("are listed by what they are about, and left out without a time", () => {
    const early = note("e", { text: "launch", fromTime: "2019-01-01T00:00:00+01:00" });
    expect(texts([DIP, note("f", { text: "x", fromTime: "noon" }), early], 3)).toEqual(["dip", "launch"]);
  });

  it("name the entity and who replaced them", () => {
    const on = note("g", { text: "x", fromTime: "2026-01-01T00:00:00Z", targetId: "sat|bus|eps|battery", replaces: "a", user: "bob" });
    expect(notesAsOf([on], 1)[0]).toMatchObject({
      entity: { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery" },
      author: "bob",
      isReplacement: true,
    });
  });

  it("are marked on the clock that they are by, a range as long as it lasts", () => {
    const received = note("h", { text: "batch", fromTime: "2026-01-01T00:00:00Z", timebase: "canonical" });
    const all = notesAsOf([BETTER, received], 2);
    expect(noteMarkersOf(all, "canonical").map(({ text }) => text)).toEqual(["ann: batch"]);
    const [marker] = noteMarkersOf(all, "source");
    expect(marker).toMatchObject({ kind: "note", text: "bob: battery dip" });
    expect((marker?.stopMs ?? 0) - (marker?.ms ?? 0)).toBe(300_000);
  });
});
