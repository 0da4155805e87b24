import { describe, expect, it, vi } from "vitest";
import type { CardManifest, Discover, DiscoverResponse } from "../../../src/api/protocol";
import type { StoredEvent } from "../../../src/model/values/event";
import { sessionOf } from "../session/fake_session";

const asks: Discover[] = [];
const pages: DiscoverResponse[] = [];

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: (message: Discover) => {
      asks.push(message);
      return Promise.resolve(pages.shift());
    },
  }),
);

const { rowGroups, manifestOf, manifests, manifestOfEvent, refreshManifests, shieldKeys, sparklineKeys, keyTitle } =
  await import("../../../src/model/cards/manifests");
const { manifestKeySpec } = await import("../../../src/model/cards/manifest_keys");

const MANIFEST: CardManifest = {
  manifestId: "m",
  manifestVersion: "1.0.0",
  viewId: "v",
  entityType: "t",
  title: "Pump",
  allowedKeys: {
    flow: { type: "number", title: "Flow", unit: "l/s" },
    heat: { type: "number", limits: { warningHigh: 5 } },
    note: { type: "string" },
  },
  layout: { shield: ["flow"], card: [{ title: "Main", rows: ["flow"] }], sparklines: ["flow"] },
};
const BARE: CardManifest = { ...MANIFEST, layout: {} };
const OPEN: CardManifest = { ...BARE, allowedKeys: { "*": { type: "number", unit: "V" } } };

describe("a card", () => {
  it("has the groups of its manifest, followed by keys with limits, so that no alarm is hidden", () => {
    expect(rowGroups(MANIFEST, ["flow", "heat", "note"])).toEqual([
      { title: "Main", keys: ["flow"] },
      { title: "Other", keys: ["heat"] },
    ]);
  });

  it("has all keys of a manifest without groups, including keys without a value", () => {
    expect(rowGroups(BARE, ["note"])).toEqual([{ title: "", keys: ["flow", "heat", "note"] }]);
  });

  it("has the keys in the data when any key is allowed or no manifest is known", () => {
    expect(rowGroups(OPEN, ["a", "b"])).toEqual([{ title: "", keys: ["a", "b"] }]);
    expect(rowGroups(undefined, ["a", "b"])).toEqual([{ title: "", keys: ["a", "b"] }]);
    expect(manifestKeySpec(OPEN, "a").unit).toBe("V");
    expect(manifestKeySpec(undefined, "a")).toEqual({ type: "any" });
    expect(rowGroups(undefined, [])).toEqual([]);
  });

  it("does not mistake names of Object.prototype for keys of its manifest", () => {
    expect(manifestKeySpec(MANIFEST, "constructor")).toEqual({ type: "any" });
  });

  it("has the summary keys of its manifest, else its first keys", () => {
    expect(shieldKeys(MANIFEST, [])).toEqual(["flow"]);
    expect(shieldKeys(undefined, ["a", "b", "c", "d"])).toEqual(["a", "b", "c"]);
  });

  it("has sparklines for the keys that its manifest names, else for all numbers", () => {
    expect(sparklineKeys(MANIFEST, ["flow", "heat"])).toEqual(["flow"]);
    expect(sparklineKeys(BARE, ["flow", "heat"])).toEqual([]);
    expect(sparklineKeys(OPEN, ["a", "b"])).toEqual(["a", "b"]);
    expect(sparklineKeys(undefined, Array.from({ length: 40 }, (_, nth) => `k${nth}`))).toHaveLength(16);
  });

  it("shows keys by their titles", () => {
    expect(["flow", "note", "else"].map((key) => keyTitle(MANIFEST, key))).toEqual(["Flow", "note", "else"]);
  });
});

describe("the manifests as of the clock", () => {
  it("are requested page by page until an entity appears, all as of one time", async () => {
    const time = "2026-01-01T00:00:00.000000000Z";
    const other = { ...MANIFEST, manifestVersion: "2.0.0" };
    const ids = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c" };
    const page = { type: "discoverResponse", time } as const;
    pages.push({ ...page, entities: [], manifests: [MANIFEST], nextKey: "|1.0.0|m" });
    pages.push({ ...page, entities: [{ ...ids, series: [] }], manifests: [other], nextKey: "s|a|b|c" });
    await refreshManifests();
    expect([...manifests.value.keys()]).toEqual(["m 1.0.0", "m 2.0.0"]);
    expect(asks.map(({ afterKey }) => afterKey)).toEqual([undefined, "|1.0.0|m"]);
    expect(asks[1]?.time).toBe(time);
  });
});

describe("a manifest", () => {
  it("is the exact version that an update names", () => {
    const all = new Map([["m 1.0.0", MANIFEST]]);
    expect(manifestOf(all, MANIFEST)).toBe(MANIFEST);
    expect(manifestOf(all, { manifestId: "m", manifestVersion: "1.0.1" })).toBeUndefined();
  });

  it("is read from the event that publishes it", () => {
    const { title, layout, ...rest } = MANIFEST;
    const event = {
      ...{ eventId: "e", scopeId: "s", systemId: "nova", containerId: "c", uniqueId: "u", lane: "metadata" },
      ...{ sourceTruthTime: "1970-01-01T00:00:00Z", canonicalTruthTime: "2026-01-01T00:00:00Z" },
      ...rest,
      messageType: "ManifestPublished",
      layout: { title, ...layout },
      actions: { "pump.set": { title: "Set" } },
    } as unknown as StoredEvent;
    expect(manifestOfEvent(event)).toEqual({ ...MANIFEST, actions: [{ commandType: "pump.set", title: "Set" }] });
    expect(manifestOfEvent({ ...event, messageType: "Other" })).toBeUndefined();
  });
});
