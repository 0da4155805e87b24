import { describe, expect, it } from "vitest";
import type { EntityInfo } from "../../../src/api/protocol";
import {
  keyStep,
  laneText,
  matchingEntities,
  treeOf,
  treeRowsOf,
  visibleRows,
} from "../../../src/model/entities/entity_tree";

const TIME = "2026-01-01T00:00:00.000000000Z";

function entity(path: string, ...lanes: EntityInfo["series"][number]["lane"][]): EntityInfo {
  const [scopeId = "", systemId = "", containerId = "", uniqueId = ""] = path.split("/");
  const series = lanes.map((lane) => ({ lane, firstTime: TIME, lastTime: TIME }));
  return { scopeId, systemId, containerId, uniqueId, series };
}

const ENTITIES = [
  entity("sat1/bus/adcs/gps", "ui", "parsed", "raw"),
  entity("sat1/bus/adcs/imu", "ui", "ui"),
  entity("sat1/bus/eps/battery", "command"),
  entity("sat2/bus/adcs/gps", "raw"),
];

function keys(folded: readonly string[] = [], entities: readonly EntityInfo[] = ENTITIES): string[] {
  return treeRowsOf(treeOf(entities), new Set(folded)).map(({ node }) => node.key);
}

describe("the tree of entities", () => {
  it("has scope, system, container and unit, in the server's order", () => {
    expect(keys()).toEqual([
      "sat1",
      "sat1/bus",
      "sat1/bus/adcs",
      "sat1/bus/adcs/gps",
      "sat1/bus/adcs/imu",
      "sat1/bus/eps",
      "sat1/bus/eps/battery",
      "sat2",
      "sat2/bus",
      "sat2/bus/adcs",
      "sat2/bus/adcs/gps",
    ]);
  });

  it("describes the number of a lane in text", () => {
    const [sat1, sat2] = treeOf(ENTITIES);
    if (sat1 === undefined || sat2 === undefined) throw new Error("no scopes");
    expect(laneText(sat1, "ui")).toBe("ui: 3 series of 3 units (kinds of message; the timeline counts events)");
    expect(laneText(sat2, "raw")).toContain("raw: 1 series of 1 unit ");
  });

  it("counts units and lanes below each node", () => {
    const [sat1, sat2] = treeOf(ENTITIES);
    expect(sat1?.units).toBe(3);
    expect(sat1?.lanes).toEqual({ ui: 3, parsed: 1, raw: 1, command: 1 });
    expect(sat2?.lanes).toEqual({ raw: 1 });
  });

  it("hides only the children of closed nodes", () => {
    expect(keys(["sat1/bus/adcs", "sat2"])).toEqual([
      "sat1",
      "sat1/bus",
      "sat1/bus/adcs",
      "sat1/bus/eps",
      "sat1/bus/eps/battery",
      "sat2",
    ]);
  });

  it("gives each row its level, position and number of siblings", () => {
    const rows = treeRowsOf(treeOf(ENTITIES), new Set());
    const imu = rows.find(({ node }) => node.name === "imu");
    expect(imu).toMatchObject({ level: 4, position: 2, siblings: 2, open: undefined, parent: "sat1/bus/adcs" });
    expect(rows[0]).toMatchObject({ level: 1, position: 1, siblings: 2, open: true, parent: undefined });
  });

  it("is searched by words in any part of the path", () => {
    expect(matchingEntities(ENTITIES, " SAT1  gps ").map(({ uniqueId }) => uniqueId)).toEqual(["gps"]);
    expect(matchingEntities(ENTITIES, "adcs")).toHaveLength(3);
    expect(matchingEntities(ENTITIES, "gyro")).toEqual([]);
    expect(matchingEntities(ENTITIES, "  ")).toBe(ENTITIES);
  });

  it("handles ten thousand entities, and draws only the visible rows", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => entity(`s/sys${index % 10}/c/u${index}`, "ui"));
    const rows = treeRowsOf(treeOf(many), new Set());
    expect(rows).toHaveLength(10_000 + 1 + 10 + 10);
    const [first, behind] = visibleRows(28 * 5_000, 560, 28, rows.length);
    expect(first).toBeLessThanOrEqual(5_000);
    expect(behind).toBeGreaterThanOrEqual(5_020);
    expect(behind - first).toBeLessThan(50);
    expect(visibleRows(0, 560, 28, 3)).toEqual([0, 3]);
  });
});

describe("keys of the keyboard in the tree", () => {
  const rows = treeRowsOf(treeOf(ENTITIES), new Set(["sat2"]));
  const at = (key: string) => rows.findIndex(({ node }) => node.key === key);

  it("move, open and close as in the ARIA tree pattern", () => {
    expect(keyStep("ArrowDown", rows, 0)).toEqual({ to: 1 });
    expect(keyStep("ArrowUp", rows, 0)).toEqual({ to: 0 });
    expect(keyStep("End", rows, 0)).toEqual({ to: rows.length - 1 });
    expect(keyStep("Home", rows, 3)).toEqual({ to: 0 });
    expect(keyStep("ArrowRight", rows, at("sat2"))).toEqual({ open: "sat2" });
    expect(keyStep("ArrowRight", rows, at("sat1"))).toEqual({ to: at("sat1") + 1 });
    expect(keyStep("ArrowRight", rows, at("sat1/bus/adcs/gps"))).toBeUndefined();
    expect(keyStep("ArrowLeft", rows, at("sat1"))).toEqual({ close: "sat1" });
    expect(keyStep("ArrowLeft", rows, at("sat1/bus/adcs/gps"))).toEqual({ to: at("sat1/bus/adcs") });
    expect(keyStep("x", rows, 0)).toBeUndefined();
  });
});
