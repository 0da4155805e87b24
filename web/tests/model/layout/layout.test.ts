import { describe, expect, it } from "vitest";
import {
  newPanelId,
  panelAdded,
  panelChanged,
  panelHidden,
  type PanelLayout,
  panelMoved,
  panelNudged,
  panelOf,
  panelPosition,
  panelRemoved,
  panelShown,
  placedPanels,
  sharesResized,
} from "../../../src/model/layout/layout";
import { dropIn } from "../../../src/model/layout/panel_drag";

function one(kind: string) {
  return { id: kind, kind, share: 1 };
}

const THREE: PanelLayout = {
  columns: [
    { share: 1, panels: [one("entities")] },
    { share: 1, panels: [one("values"), one("inspector")] },
    { share: 1, panels: [{ ...one("plots"), options: { plots: [] } }, one("track")] },
  ],
  hidden: [],
};

function ids(layout: PanelLayout): string[][] {
  return layout.columns.map((column) => column.panels.map(({ id }) => id));
}

describe("a layout of panels", () => {
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

  it("hides a panel with its options, and restores it", () => {
    const without = panelHidden(THREE, "plots");
    expect(without.hidden).toEqual([{ id: "plots", kind: "plots", options: { plots: [] } }]);
    expect(panelPosition(without, "plots")).toBeUndefined();
    const again = panelShown(without, "plots");
    expect(again.hidden).toEqual([]);
    expect(ids(again).at(-1)).toEqual(["track", "plots"]);
    expect(panelOf(again, "plots")?.options).toEqual({ plots: [] });
  });

  it("restores a panel when all are hidden", () => {
    const none = placedPanels(THREE).reduce((layout, { id }) => panelHidden(layout, id), THREE);
    expect(none.columns).toEqual([]);
    expect(ids(panelShown(none, "plots"))).toEqual([["plots"]]);
  });

  it("has panels of one kind under ids of their own, which are changed and removed one by one", () => {
    const id = newPanelId(THREE, "plots");
    expect(id).toBe("plots-2");
    const two = panelAdded(THREE, { id, kind: "plots" });
    expect(ids(two).at(-1)).toEqual(["plots", "track", "plots-2"]);
    const titled = panelChanged(two, id, { title: "Power" });
    expect([panelOf(titled, "plots")?.title, panelOf(titled, id)?.title]).toEqual([undefined, "Power"]);
    expect(newPanelId(panelHidden(titled, id), "plots")).toBe("plots-3");
    expect(panelRemoved(titled, id)).toEqual(THREE);
    expect(panelRemoved(panelHidden(titled, id), id)).toEqual(THREE);
  });

  it("has a panel that is added two fifths of its column, whatever is there", () => {
    let crowded = THREE;
    for (const id of ["one", "two", "three", "four"]) {
      crowded = panelAdded(crowded, { id, kind: "plots" });
      const shares = crowded.columns.at(-1)?.panels.map(({ share }) => share) ?? [];
      expect((shares.at(-1) ?? 0) / shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(0.4);
    }
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
