import { beforeEach, describe, expect, it } from "vitest";
import type { SeriesName } from "../../../src/api/series";
import {
  activePlot,
  addField,
  fieldsBySeries,
  isPlotted,
  newPlot,
  PLOT_LINES_MAX,
  plots,
  removeField,
  removePlot,
} from "../../../src/model/plots/plots";
import { display } from "../../../src/model/displays/open_display";
import { onePage } from "../../../src/model/displays/display";
import { parsePlots } from "../../../src/model/plots/plot_spec";
import { showPlots } from "./shown_plots";

const BATTERY: SeriesName = {
  scopeId: "s",
  systemId: "bus",
  containerId: "eps",
  uniqueId: "battery",
  lane: "parsed",
  messageType: "Battery",
};
const GPS: SeriesName = { ...BATTERY, uniqueId: "gps", messageType: "Position" };

beforeEach(() => {
  showPlots([]);
});

describe("plots", () => {
  it("begin with the first field, and add it only once", () => {
    addField({ series: BATTERY, field: "voltage" });
    addField({ series: BATTERY, field: "voltage" });
    addField({ series: BATTERY, field: "current" });
    expect(plots.value.map(({ fields }) => fields.map(({ field }) => field))).toEqual([["voltage", "current"]]);
    expect(isPlotted({ series: BATTERY, field: "voltage" })).toBe(true);
    expect(isPlotted({ series: GPS, field: "voltage" })).toBe(false);
  });

  it("add fields to the active one", () => {
    newPlot("plots");
    const first = activePlot.value;
    newPlot("plots");
    addField({ series: GPS, field: "altitude" });
    activePlot.value = first;
    addField({ series: BATTERY, field: "voltage" });
    expect(plots.value.map(({ fields }) => fields[0]?.field)).toEqual(["voltage", "altitude"]);
  });

  it("begin another when one is full", () => {
    for (let index = 0; index <= PLOT_LINES_MAX; index++) addField({ series: GPS, field: `f${index}` });
    expect(plots.value.map(({ fields }) => fields.length)).toEqual([PLOT_LINES_MAX, 1]);
  });

  it("lose fields, and are removed", () => {
    addField({ series: GPS, field: "altitude" });
    const id = plots.value[0]?.id ?? "";
    removeField(id, { series: GPS, field: "altitude" });
    expect(plots.value[0]?.fields).toEqual([]);
    removePlot(id);
    expect([plots.value, activePlot.value]).toEqual([[], null]);
  });

  it("are requested by series", () => {
    const fields = [
      { series: BATTERY, field: "voltage" },
      { series: GPS, field: "altitude" },
      { series: BATTERY, field: "current" },
      { series: BATTERY, field: "voltage" },
    ];
    expect(fieldsBySeries(fields)).toEqual([
      { series: BATTERY, fields: ["voltage", "current"] },
      { series: GPS, fields: ["altitude"] },
    ]);
  });

  it("go to a new panel where the page has none, and stay in the panel of the active one", () => {
    display.value = onePage("Empty", { columns: [], hidden: [] });
    addField({ series: GPS, field: "altitude" });
    const panels = () => display.value.pages[0]?.columns.flatMap((column) => column.panels) ?? [];
    expect(panels().map(({ id, kind }) => [id, kind])).toEqual([["plots", "plots"]]);
    const two = { id: "plots-2", kind: "plots", share: 1, options: { plots: [{ id: "z", fields: [] }] } };
    display.value = onePage("Two", { columns: [{ share: 1, panels: [...panels(), two] }], hidden: [] });
    const first = plots.value[0]?.id ?? "";
    activePlot.value = first;
    addField({ series: BATTERY, field: "voltage" });
    expect(plots.value.map(({ fields }) => fields.length)).toEqual([2, 0]);
    for (let index = 2; index <= PLOT_LINES_MAX; index++) addField({ series: GPS, field: `f${index}` });
    expect(plots.value.map(({ id, fields }) => [id === activePlot.value, fields.length])).toEqual([
      [false, PLOT_LINES_MAX],
      [true, 1],
      [false, 0],
    ]);
  });

  it.each([
    ["no list", "nothing", "plots: must be a list."],
    ["a plot without fields", [{ id: "b" }], "plots[0].fields: must be a list."],
    ["a field without its series", [{ fields: [{ field: "x" }] }], "plots[0].fields[0].series: must be a JSON object."],
    ["another lane", [{ fields: [{ field: "x", series: { ...GPS, lane: "raw" } }] }], 'plots[0].fields[0].series.lane: must be "parsed" or "ui".'],
    ["too many lines", [{ fields: Array.from({ length: PLOT_LINES_MAX + 1 }, () => ({ field: "x", series: GPS })) }], "at most 8 lines"],
  ])("are refused from a file with the place of the mistake: %s", (_, value, message) => {
    expect(() => parsePlots(value, "plots")).toThrow(message);
  });
});
