import { describe, expect, it } from "vitest";
import { type FinderGroup, type FinderItem, sectionsOf } from "../../../src/model/finder/finder_items";

function item(group: FinderGroup, name: string, detail = ""): FinderItem {
  return { key: `${group} ${name} ${detail}`, group, name, detail, act: () => undefined };
}

function names(text: string, items: readonly FinderItem[]): string[] {
  return sectionsOf(items, text).flatMap((section) => section.items.map(({ name }) => name));
}

describe("the finder's items", () => {
  it("have every word, in the name or beside it", () => {
    const items = [item("Entities", "battery", "sat/bus/eps/battery"), item("Entities", "gps", "sat/bus/gnc/gps")];
    expect(names("EPS bat", items)).toEqual(["battery"]);
    expect(names("bus gyro", items)).toEqual([]);
  });

  it("have the best match first: whole name, begin, begin of a word, part, beside it", () => {
    const items = [
      item("Fields", "overvoltage"),
      item("Fields", "current", "voltage"),
      item("Fields", "bus.voltage"),
      item("Fields", "voltage_v"),
      item("Fields", "voltage"),
    ];
    expect(names("voltage", items)).toEqual(["voltage", "voltage_v", "bus.voltage", "overvoltage", "current"]);
  });

  it("stand in groups of a fixed order, cut where there are many", () => {
    const many = Array.from({ length: 12 }, (_, index) => item("Entities", `cell ${index}`));
    const found = sectionsOf([item("Commands", "cell.off"), ...many], "cell");
    expect(found.map(({ group, items, more }) => [group, items.length, more])).toEqual([
      ["Entities", 8, 4],
      ["Commands", 1, 0],
    ]);
  });
});
