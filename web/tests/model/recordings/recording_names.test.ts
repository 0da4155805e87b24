import { describe, expect, it } from "vitest";
import type { Note } from "../../../src/model/notes/note_fold";
import { matchingRecordings, namedRecordings, ownName, recordingLength, type RecordingSource, recordingTitle } from "../../../src/model/recordings/recording_names";

const ENTITY = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery" };
const OTHER = { ...ENTITY, uniqueId: "panel" };
const EVERYTHING: RecordingSource = { entity: null, scopeId: null };

function name(title: string, from: string, to: string | null, members: Partial<Note> = {}): Note {
  return { id: title, scopeId: "sat", entity: null, title, text: "", author: "ann", timebase: "source", from: at(from), to: to === null ? null : at(to), written: at("23:00"), isReplacement: false, isLater: false, ...members };
}

function at(time: string): string {
  return `2003-05-01T${time}:00.000000000Z`;
}

const found = [
  { startTime: at("12:00"), stopTime: at("12:10") },
  { startTime: at("10:00"), stopTime: at("10:10"), events: 7, entities: 2 },
];

function titles(notes: Note[], source = EVERYTHING, timebase: "source" | "canonical" = "source"): string[][] {
  return namedRecordings(found, notes, source, timebase).map(({ names }) => names.map(({ title }) => title));
}

describe("recordings", () => {
  it("have the names that overlap them, also where late data has moved their ends", () => {
    const notes = [name("early", "09:50", "10:05"), name("late", "12:10", "12:11"), name("between", "10:11", "11:59")];
    expect(titles(notes)).toEqual([["late"], ["early"]]);
  });

  it("have the name first that has the most in common with them", () => {
    const [day, pass, piece] = [name("day", "00:00", "23:00"), name("pass", "10:00", "10:09"), name("piece", "10:04", "10:05")];
    const [later, earlier] = namedRecordings(found, [day, piece, pass], EVERYTHING, "source");
    expect(earlier?.names.map(({ title }) => title)).toEqual(["pass", "piece", "day"]);
    expect(earlier && ownName(earlier)).toBe(pass);
    expect(later?.names.map(({ title }) => title)).toEqual(["day"]);
    expect(later && ownName(later)).toBeUndefined();
  });

  it("of one moment have the name that was given to it", () => {
    const moment = [{ startTime: at("08:00"), stopTime: at("08:00") }];
    const [one] = namedRecordings(moment, [name("blip", "08:00", "08:00")], EVERYTHING, "source");
    expect(one && ownName(one)?.title).toBe("blip");
    expect(one && recordingLength(one)).toBe("one moment");
  });

  it("have no names of notes without a title, about moments, or by the other clock", () => {
    const notes = [name("", "10:00", "10:10"), name("moment", "10:00", null), name("received", "10:00", "10:10", { timebase: "canonical" })];
    expect(titles(notes)).toEqual([[], []]);
    expect(titles(notes, EVERYTHING, "canonical")).toEqual([[], ["received"]]);
  });

  it("of an entity have its names and those of its scope", () => {
    const notes = [name("own", "10:00", "10:10", { entity: ENTITY }), name("others", "10:00", "10:10", { entity: OTHER }), name("foreign", "10:00", "10:10", { scopeId: "sat2" }), name("scope", "10:00", "10:01")];
    expect(titles(notes, { entity: ENTITY, scopeId: "sat" })[1]).toEqual(["own", "scope"]);
    expect(titles(notes, { entity: null, scopeId: "sat" })[1]).toEqual(["own", "others", "scope"]);
    expect(titles(notes, { entity: null, scopeId: "sat2" })[1]).toEqual(["foreign"]);
    expect(titles(notes)[1]).toEqual(["own", "others", "foreign", "scope"]);
  });

  it("are found by words of their names and times", () => {
    const all = namedRecordings(found, [name("First pass", "10:00", "10:10")], EVERYTHING, "source");
    expect(matchingRecordings(all, " PASS 2003-05 ").map(recordingTitle)).toEqual(["First pass"]);
    expect(matchingRecordings(all, "12:00").map(recordingTitle)).toEqual(["2003-05-01 12:00:00"]);
    expect(matchingRecordings(all, "ann")).toHaveLength(1);
    expect(matchingRecordings(all, "second")).toEqual([]);
    expect(matchingRecordings(all, " ")).toBe(all);
  });
});
