import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionOf } from "../session/fake_session";

interface Asked {
  filters: { lanes: string[] };
  startTime?: string;
  stopTime?: string;
}
const world = vi.hoisted(() => ({ instant: [] as unknown[], before: [] as unknown[], after: [] as unknown[], asked: [] as Asked[] }));

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: Asked) => {
      world.asked.push(message);
      if (message.filters.lanes.includes("raw")) return { events: world.instant };
      return { events: message.startTime === undefined ? world.before : world.after };
    },
  }),
);

const { beyondText, bitsOf, bytesOfPlace, fieldsAt, placesOf, placeText, requestFrameFields } = await import("../../../src/model/events/frame_fields");

const AT = "2026-01-01T00:00:00.000000000Z";

function event(lane: string, more: object = {}) {
  const entity = { scopeId: "sat", systemId: "ccsds", containerId: "apid", uniqueId: "42" };
  return { eventId: `${lane}${JSON.stringify(more)}`, lane, ...entity, sourceTruthTime: AT, canonicalTruthTime: AT, ...more } as never;
}

function layout(messageType: string, fields: object) {
  return event("metadata", { messageType: "FrameLayout", payload: { messageType, fields } });
}

beforeEach(() => {
  [world.instant, world.before, world.after, world.asked] = [[], [], [], []];
});

describe("the places of fields in a frame", () => {
  it("are in the order of the frame, without invalid ones", () => {
    const places = placesOf({ b: [12, 4], a: [0, 12], c: [-1, 4], d: [0], e: "x", f: [1.5, 2], g: [3, 0] });
    expect(places).toEqual([
      { field: "a", begin: 0, bits: 12 },
      { field: "b", begin: 12, bits: 4 },
    ]);
    expect(fieldsAt(places, 0).map(({ field }) => field)).toEqual(["a"]);
    expect(fieldsAt(places, 1).map(({ field }) => field)).toEqual(["a", "b"]);
    expect(fieldsAt(places, 2)).toEqual([]);
  });

  it("have their bits, between those of others", () => {
    const place = { field: "a", begin: 10, bits: 4 };
    expect(bytesOfPlace(place)).toEqual([1, 2]);
    expect(bitsOf(Uint8Array.of(0xff, 0b10_0110_01), place)).toEqual(["10", "0110", "01"]);
    expect(bitsOf(Uint8Array.of(0xff), place)[1]).toBe("");
    expect(beyondText(new Uint8Array(3), { field: "b", begin: 8, bits: 16 })).toBe("");
    expect(beyondText(new Uint8Array(2), { field: "b", begin: 8, bits: 16 })).toContain("behind the end of this frame of 2 B");
    expect([placeText(place), placeText({ field: "b", begin: 8, bits: 16 })]).toEqual(["byte 1, bit 2, 4 bits", "byte 1, 2 B"]);
  });
});

describe("the frame of a message", () => {
  it("is what its entity sent at its time, with the newest layout of its kind", async () => {
    const [frame, message] = [event("raw", { bytes: "AA==" }), event("parsed", { messageType: "HK" })];
    world.instant = [frame, message];
    world.before = [layout("OTHER", { x: [0, 1] }), layout("HK", { a: [0, 8] }), layout("HK", { old: [0, 8] })];
    const found = await requestFrameFields(message);
    expect(found).toEqual({ frames: [frame], message, places: [{ field: "a", begin: 0, bits: 8 }] });
    expect(await requestFrameFields(frame)).toEqual(found);
    expect(world.asked[0]).toMatchObject({ startTime: AT, stopTime: AT, timebase: "source", filters: { uniqueId: "42" } });
  });

  it("has a layout that was published after it, if none was before", async () => {
    const message = event("parsed", { messageType: "HK" });
    world.instant = [message];
    world.after = [layout("HK", { a: [0, 8] })];
    const found = await requestFrameFields(message);
    expect(found.places).toHaveLength(1);
    expect(found.frames).toEqual([]);
  });

  it("may have none, as a frame may have no message", async () => {
    const frame = event("raw", { bytes: "AA==" });
    world.instant = [frame];
    expect(await requestFrameFields(frame)).toEqual({ frames: [frame], message: undefined, places: [] });
  });
});
