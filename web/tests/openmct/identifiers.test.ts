import { expect, it } from "vitest";
import { folderKey, folderNames, pointKey, pointOf } from "../../openmct/src/identifiers";

const NAMES = ["sat", "a~b", "x.y/z:ü😀%", ".41.", "", "-_"];

it("any names of a folder and a field come back from their key, which an address can carry", () => {
  for (const name of NAMES) {
    const series = { scopeId: name, systemId: "s", containerId: name, uniqueId: "u", lane: "ui" as const, messageType: "", viewId: `v${name}` };
    const key = pointKey({ series, field: `gps.${name}` });
    expect(key).toMatch(/^[A-Za-z0-9._~-]+$/);
    expect(pointOf(key)).toEqual({ series, field: `gps.${name}` });
    expect(folderNames(folderKey([name, "b"]))).toEqual([name, "b"]);
  }
});

it("other keys name nothing", () => {
  for (const key of ["", "root~1~2~3~4~5", "field~a", "field~a~b~c~d~raw~t~~f", "mine"]) {
    expect([pointOf(key), folderNames(key)]).toEqual([undefined, undefined]);
  }
});
