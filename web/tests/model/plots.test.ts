import { beforeEach, describe, expect, it } from "vitest";
import type { SeriesName } from "../../src/api/sampling";
import { active, addField, bySeries, isPlotted, LINES_MAX, newPlot, plots, removeField, removePlot, specsOf } from "../../src/model/plots";

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
  [plots.value, active.value] = [[], null];
});

describe("plots", () => {
  it("begin with the first field, and take it only once", () => {
    addField({ series: BATTERY, field: "voltage" });
    addField({ series: BATTERY, field: "voltage" });
    addField({ series: BATTERY, field: "current" });
    expect(plots.value.map(({ fields }) => fields.map(({ field }) => field))).toEqual([["voltage", "current"]]);
    expect(isPlotted({ series: BATTERY, field: "voltage" })).toBe(true);
    expect(isPlotted({ series: GPS, field: "voltage" })).toBe(false);
  });

  it("take fields into the one that is active", () => {
    newPlot();
    const first = active.value;
    newPlot();
    addField({ series: GPS, field: "altitude" });
    active.value = first;
    addField({ series: BATTERY, field: "voltage" });
    expect(plots.value.map(({ fields }) => fields[0]?.field)).toEqual(["voltage", "altitude"]);
  });

  it("begin another where one is full", () => {
    for (let index = 0; index <= LINES_MAX; index++) addField({ series: GPS, field: `f${index}` });
    expect(plots.value.map(({ fields }) => fields.length)).toEqual([LINES_MAX, 1]);
  });

  it("lose fields and go away", () => {
    addField({ series: GPS, field: "altitude" });
    const id = plots.value[0]?.id ?? "";
    removeField(id, { series: GPS, field: "altitude" });
    expect(plots.value[0]?.fields).toEqual([]);
    removePlot(id);
    expect([plots.value, active.value]).toEqual([[], null]);
  });

  it("are asked for by series", () => {
    const fields = [
      { series: BATTERY, field: "voltage" },
      { series: GPS, field: "altitude" },
      { series: BATTERY, field: "current" },
      { series: BATTERY, field: "voltage" },
    ];
    expect(bySeries(fields)).toEqual([
      { series: BATTERY, fields: ["voltage", "current"] },
      { series: GPS, fields: ["altitude"] },
    ]);
  });

  it("come back from what was kept, without what is no plot", () => {
    const spec = { id: "a", fields: [{ series: GPS, field: "altitude" }] };
    expect(specsOf(JSON.parse(JSON.stringify([spec, null, { id: 1 }, { id: "b", fields: [null, { field: "x" }] }])))).toEqual([
      spec,
      { id: "b", fields: [] },
    ]);
    expect(specsOf("nothing")).toEqual([]);
  });
});
