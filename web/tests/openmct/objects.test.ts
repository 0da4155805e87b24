import { expect, it } from "vitest";
import { Catalog } from "../../openmct/src/catalog";
import { childrenOf, objectOf } from "../../openmct/src/objects";
import { FakeEdge } from "./fake_edge";

const times = { firstTime: "2026-01-01T00:00:00Z", lastTime: "2026-01-01T00:00:00Z" };
const ENTITIES = [
  { scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "a", series: [{ lane: "parsed", messageType: "T", ...times }, { lane: "ui", viewId: "v", ...times }] },
  { scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "b", series: [{ lane: "parsed", messageType: "T", ...times }] },
  { scopeId: "t", systemId: "log", containerId: "x", uniqueId: "y", series: [{ lane: "raw", ...times }] },
];
const MANIFEST = { manifestId: "m", manifestVersion: "2", viewId: "v", allowedKeys: { volts: { type: "number", title: "Voltage", unit: "V" } } };

function catalogOf(): Catalog {
  const latest = { events: [{ manifestId: "m", manifestVersion: "2" }] };
  return new Catalog(new FakeEdge({ entities: { entities: ENTITIES, manifests: [MANIFEST] }, fields: { fields: [{ field: "volts", kind: "number" }] }, latest }));
}

async function keys(catalog: Catalog, key: string): Promise<string[]> {
  return (await childrenOf(catalog, key)).map((one) => one.key);
}

it("the tree leads to the fields, and what has none is not in it", async () => {
  const catalog = catalogOf();
  expect(await keys(catalog, "root")).toEqual(["root~s"]);
  expect(await keys(catalog, "root~s~bus")).toEqual(["root~s~bus~eps"]);
  expect(await keys(catalog, "root~s~bus~eps")).toEqual(["root~s~bus~eps~a", "root~s~bus~eps~b"]);
  expect(await keys(catalog, "root~s~bus~eps~a")).toEqual(["field~s~bus~eps~a~parsed~T~~volts", "field~s~bus~eps~a~ui~~v~volts"]);
});

it("a folder has its name and parent, and a field what the manifest of its view says", async () => {
  const catalog = catalogOf();
  expect(await objectOf(catalog, "root", "Ground")).toMatchObject({ name: "Ground", type: "folder", location: "ROOT" });
  expect(await objectOf(catalog, "root~s~bus", "")).toMatchObject({ name: "bus", location: "nova:root~s" });
  const field = await objectOf(catalog, "field~s~bus~eps~a~ui~~v~volts", "");
  expect(field).toMatchObject({ name: "Voltage · v", type: "nova.point", location: "nova:root~s~bus~eps~a" });
  expect(field.telemetry?.values[2]?.unit).toBe("V");
  expect((await objectOf(catalog, "field~s~bus~eps~b~parsed~T~~volts", "")).name).toBe("volts");
  await expect(objectOf(catalog, "field~s~bus~eps~b~parsed~T~~gone", "")).rejects.toThrow("no field gone");
  await expect(objectOf(catalog, "elsewhere", "")).rejects.toThrow("no object");
});
