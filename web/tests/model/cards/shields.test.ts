import { describe, expect, it } from "vitest";
import type { EntityInfo, SeriesInfo } from "../../../src/api/protocol";
import { matchingPlaces, placesOf } from "../../../src/model/cards/shields";

const TIMES = { firstTime: "2026-01-01T00:00:00Z", lastTime: "2026-01-01T00:00:00Z" };

function entity(systemId: string, uniqueId: string, ...series: Omit<SeriesInfo, "firstTime" | "lastTime">[]): EntityInfo {
  const all = series.map((one) => ({ ...one, ...TIMES }));
  return { scopeId: "s", systemId, containerId: "c", uniqueId, series: all };
}

const UI = { lane: "ui", messageType: "UiUpdate" } as const;

describe("the shields", () => {
  it("have a place for each view, and for entities with only a descriptor", () => {
    const found = placesOf(
      [
        entity("x", "two", { ...UI, viewId: "v" }, { ...UI, viewId: "w" }),
        entity("x", "told", { lane: "metadata", messageType: "ProducerDescriptor" }),
        entity("x", "parsed", { lane: "parsed", messageType: "P" }),
        entity("nova", "core", { lane: "metadata", messageType: "ManifestPublished" }),
        entity("__scope__", "__scope__", { lane: "metadata", messageType: "ChatMessage" }),
      ],
      [],
    );
    expect(found.map(({ uniqueId, viewId }) => [uniqueId, viewId])).toEqual([
      ["told", ""],
      ["two", "v"],
      ["two", "w"],
    ]);
  });

  it("include a view that is newer than the listing, once", () => {
    const listed = [entity("x", "one", { ...UI, viewId: "v" })];
    const view = { scopeId: "s", systemId: "x", containerId: "c", uniqueId: "one" };
    const found = placesOf(listed, [{ ...view, viewId: "v" }, { ...view, viewId: "new" }]);
    expect(found.map(({ viewId }) => viewId)).toEqual(["new", "v"]);
  });

  it("are found when path, view or title contain every word of a search", () => {
    const places = placesOf([entity("x", "one", { ...UI, viewId: "v" }), entity("x", "two", { ...UI, viewId: "v" })], []);
    const groups = [{ key: "s/x", scopeId: "s", systemId: "x", places }];
    const ids = (text: string) =>
      matchingPlaces(groups, text, ({ uniqueId }) => (uniqueId === "two" ? "Water pump" : "")).flatMap((group) =>
        group.places.map(({ uniqueId }) => uniqueId),
      );
    expect(ids("")).toEqual(["one", "two"]);
    expect(ids("s/x ONE")).toEqual(["one"]);
    expect(ids("pump x")).toEqual(["two"]);
    expect(ids("pump one")).toEqual([]);
  });
});
