import { describe, expect, it, vi } from "vitest";
import type { EntityInfo } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => new Promise(() => undefined) }));

const { entityName, namesOf } = await import("../../../src/model/entities/entity_names");
const { entities } = await import("../../../src/model/entities/entities");

describe("names of entities", () => {
  it("are the shortest ends of their paths that distinguish them", () => {
    const paths = ["a/bus/eps/battery", "a/bus/aux/battery", "b/bus/eps/battery", "a/bus/gnc/gps", "a/bus/eps/cell", "b/bus/eps/cell"];
    expect([...namesOf(paths).entries()].sort()).toEqual([
      ["a/bus/aux/battery", "aux/battery"],
      ["a/bus/eps/battery", "a/bus/eps/battery"],
      ["a/bus/eps/cell", "a/bus/eps/cell"],
      ["a/bus/gnc/gps", "gps"],
      ["b/bus/eps/battery", "b/bus/eps/battery"],
      ["b/bus/eps/cell", "b/bus/eps/cell"],
    ]);
  });

  it("are unique IDs of what is not listed", () => {
    entities.value = [{ scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c", series: [] } as unknown as EntityInfo];
    expect(entityName({ scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" })).toBe("z");
    expect(entityName({ scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c" })).toBe("c");
  });
});
