import { describe, expect, it } from "vitest";
import {
  DEFAULT_LAYOUT,
  panelHidden,
  type PanelLayout,
  panelMoved,
  panelNudged,
  panelPosition,
  PANELS,
  panelShown,
  sharesResized,
} from "../../../src/model/layout/layout";
import { parseLayout } from "../../../src/model/layout/layout_file";
import { restoredLayout } from "../../../src/model/layout/layout_store";
import { dropIn } from "../../../src/model/layout/panel_drag";

const THREE: PanelLayout = {
  version: 1,
  columns: [
    { share: 1, panels: [{ id: "entities", share: 1 }] },
    { share: 1, panels: [{ id: "values", share: 1 }, { id: "inspector", share: 1 }] },
    { share: 1, panels: [{ id: "plots", share: 1 }, { id: "track", share: 1 }] },
  ],
  hidden: [],
};

function ids(layout: PanelLayout): string[][] {
  return layout.columns.map((column) => column.panels.map(({ id }) => id));
}

describe("a layout of panels", () => {
  it("has every panel by default", () => {
    expect(DEFAULT_LAYOUT.columns.flatMap(({ panels }) => panels.map(({ id }) => id)).sort()).toEqual(
      Object.keys(PANELS).sort(),
    );
  });

  it("moves a panel into another column, and drops a column that is empty", () => {
    const next = panelMoved(THREE, "entities", { column: 1, row: 1 });
    expect(ids(next)).toEqual([
      ["values", "entities", "inspector"],
      ["plots", "track"],
    ]);
  });

  it("moves a panel within its column, and into a new column", () => {
    expect(ids(panelMoved(THREE, "values", { column: 1, row: 2 }))[1]).toEqual(["inspector", "values"]);
    expect(ids(panelMoved(THREE, "track", { newColumn: 0 }))).toEqual([
      ["track"],
      ["entities"],
      ["values", "inspector"],
      ["plots"],
    ]);
  });

  it("moves by the keyboard, and stays at the ends", () => {
    expect(ids(panelNudged(THREE, "inspector", "up"))[1]).toEqual(["inspector", "values"]);
    expect(ids(panelNudged(THREE, "values", "down"))[1]).toEqual(["inspector", "values"]);
    expect(ids(panelNudged(THREE, "values", "left"))).toEqual([["entities", "values"], ["inspector"], ["plots", "track"]]);
    expect(ids(panelNudged(THREE, "track", "right"))).toEqual([["entities"], ["values", "inspector"], ["plots"], ["track"]]);
    expect(panelNudged(THREE, "entities", "left")).toBe(THREE);
    expect(panelNudged(THREE, "values", "up")).toBe(THREE);
  });

  it("hides a panel and restores it", () => {
    const without = panelHidden(THREE, "entities");
    expect(without.hidden).toEqual(["entities"]);
    expect(panelPosition(without, "entities")).toBeUndefined();
    const again = panelShown(without, "entities");
    expect(again.hidden).toEqual([]);
    expect(ids(again).at(-1)).toEqual(["plots", "track", "entities"]);
  });

  it("restores a panel when all are hidden", () => {
    const all = Object.keys(PANELS) as (keyof typeof PANELS)[];
    const none = all.reduce(panelHidden, THREE);
    expect(none.columns).toEqual([]);
    expect(ids(panelShown(none, "plots"))).toEqual([["plots"]]);
  });

  it("resizes two neighbours, and keeps a least size", () => {
    const near = (shares: number[], wanted: number[]) => shares.forEach((share, at) => expect(share).toBeCloseTo(wanted[at] ?? 0));
    near(sharesResized([1, 1, 2], 0, 0.25), [1.5, 0.5, 2]);
    near(sharesResized([1, 1], 0, -5), [0.16, 1.84]);
    near(sharesResized([1, 1], 1, 0.1), [1, 1]);
  });

  it("is dropped beside, above or below the panel under the pointer", () => {
    const box = { left: 100, top: 100, width: 200, height: 100 };
    const place = { column: 1, row: 1 };
    expect(dropIn(box, 110, 150, place).target).toEqual({ newColumn: 1 });
    expect(dropIn(box, 290, 150, place).target).toEqual({ newColumn: 2 });
    expect(dropIn(box, 200, 120, place).target).toEqual({ column: 1, row: 1 });
    expect(dropIn(box, 200, 190, place)).toEqual({ target: { column: 1, row: 2 }, left: 100, top: 150, width: 200, height: 50 });
  });
});

describe("a layout in a file", () => {
  it("is unchanged after export and import", () => {
    const layout = panelHidden(panelMoved(DEFAULT_LAYOUT, "track", { newColumn: 0 }), "plots");
    expect(parseLayout(JSON.stringify(layout))).toEqual(layout);
    expect(restoredLayout(JSON.parse(JSON.stringify(layout)))).toEqual(layout);
  });

  it("hides panels that it does not name", () => {
    const text = JSON.stringify({ version: 1, columns: [{ share: 1, panels: [{ id: "plots", share: 1 }] }] });
    expect(parseLayout(text).hidden).toEqual(["entities", "shields", "cards", "values", "track", "inspector", "commands", "alarms", "chat"]);
  });

  it.each([
    ["no JSON", "{", "not JSON"],
    ["a list", "[]", "A layout: must be a JSON object"],
    ["another version", '{"version":2,"columns":[]}', "version"],
    ["an unknown panel", '{"version":1,"columns":[{"share":1,"panels":[{"id":"radar","share":1}]}]}', "columns[0].panels[0].id"],
    ["a share of nothing", '{"version":1,"columns":[{"share":0,"panels":[]}]}', "columns[0].share"],
    [
      "a panel twice",
      '{"version":1,"columns":[{"share":1,"panels":[{"id":"plots","share":1},{"id":"plots","share":1}]}]}',
      '"plots" is there twice',
    ],
  ])("is refused with the place of the mistake: %s", (_, text, message) => {
    expect(() => parseLayout(text)).toThrow(message);
  });

  it("is the default when the stored value is invalid", () => {
    expect(restoredLayout(undefined)).toBe(DEFAULT_LAYOUT);
    expect(restoredLayout({ version: 7 })).toBe(DEFAULT_LAYOUT);
  });
});
