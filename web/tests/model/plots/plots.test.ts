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
  restoredPlots,
} from "../../../src/model/plots/plots";

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
  [plots.value, activePlot.value] = [[], null];
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
    newPlot();
    const first = activePlot.value;
    newPlot();
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

  it("are restored from storage without invalid entries", () => {
    const spec = { id: "a", fields: [{ series: GPS, field: "altitude" }] };
    expect(restoredPlots(JSON.parse(JSON.stringify([spec, null, { id: 1 }, { id: "b", fields: [null, { field: "x" }] }])))).toEqual([
      spec,
      { id: "b", fields: [] },
    ]);
    expect(restoredPlots("nothing")).toEqual([]);
  });
});
