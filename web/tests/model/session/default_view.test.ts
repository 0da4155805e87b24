import { effect } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DefaultView } from "../../../src/api/protocol";
import { openFormOf } from "../../../src/model/commands/command_panel";
import { DEFAULT_LAYOUT, panelHidden } from "../../../src/model/layout/layout";
import { activeTab, layout, persistLayout, resetLayout } from "../../../src/model/layout/layout_store";
import { addField, persistPlots, plots, removePlot } from "../../../src/model/plots/plots";
import { defaultTrack } from "../../../src/model/session/default_view";
import { defaultView, user } from "../../../src/model/session/session";

const PUMP = { scopeId: "works", systemId: "hall", containerId: "cellar", uniqueId: "pump" };
const VIEW: DefaultView = {
  layout: { version: 1, columns: [{ share: 1, panels: [{ id: "plots", share: 1 }] }] },
  panel: "plots",
  selected: PUMP,
  commandType: "pump.set",
  track: { ...PUMP, messageType: "Place", latitude: "at.lat", longitude: "at.lon" },
  plots: [[{ ...PUMP, messageType: "State", field: "bar" }]],
};

const stored = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (name: string) => stored.get(name) ?? null,
  setItem: (name: string, value: string) => stored.set(name, value),
  removeItem: (name: string) => stored.delete(name),
});
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
persistLayout();
persistPlots();
effect(() => void activeTab.value);

/** The edge's message after login, with the user's name. */
function logIn(name: string, view: DefaultView | null): void {
  [user.value, defaultView.value] = [null, null];
  user.value = name;
  defaultView.value = view;
}

function plotted(): (string | undefined)[] {
  return plots.value.map(({ fields }) => fields[0]?.field);
}

describe("the default view of an instance", () => {
  beforeEach(() => stored.clear());

  it("is used for a user who has chosen nothing", () => {
    logIn("ada", VIEW);
    expect(layout.value.columns).toEqual(VIEW.layout?.columns);
    expect(layout.value.hidden).toContain("chat");
    expect(plotted()).toEqual(["bar"]);
    expect(activeTab.value).toBe("plots");
    expect(openFormOf(PUMP, ["pump.stop", "pump.set"])).toBe("pump.set");
    expect(openFormOf({ ...PUMP, uniqueId: "fan" }, ["fan.stop", "pump.set"])).toBeUndefined();
    expect(defaultTrack()).toMatchObject({
      series: { ...PUMP, lane: "parsed", messageType: "Place" },
      place: { kind: "degrees", latitude: "at.lat", longitude: "at.lon" },
    });
  });

  it("is not stored, so that changes reach users who have chosen nothing", () => {
    logIn("ada", null);
    expect(plotted()).toEqual([]);
    logIn("ada", VIEW);
    expect(plotted()).toEqual(["bar"]);
    expect(stored.size).toBe(0);
  });

  it("gives way to a user's choice, even of nothing", () => {
    logIn("ada", VIEW);
    layout.value = panelHidden(DEFAULT_LAYOUT, "chat");
    removePlot(plots.value[0]?.id ?? "");
    logIn("eve", VIEW);
    expect(plotted()).toEqual(["bar"]);
    logIn("ada", VIEW);
    expect(layout.value).toEqual(panelHidden(DEFAULT_LAYOUT, "chat"));
    expect(plotted()).toEqual([]);
  });

  it("is what a layout resets to, and is ignored when it cannot be read", () => {
    logIn("ada", VIEW);
    layout.value = panelHidden(DEFAULT_LAYOUT, "chat");
    resetLayout();
    expect(layout.value.columns).toEqual(VIEW.layout?.columns);
    logIn("ada", { layout: { version: 1, columns: [{ panels: [{ id: "plots" }, { id: "plots" }] }] } });
    expect(layout.value).toBe(DEFAULT_LAYOUT);
  });

  it("keeps fields that a user adds to its plots", () => {
    logIn("ada", VIEW);
    addField({ series: { ...PUMP, lane: "parsed", messageType: "State" }, field: "litres" });
    logIn("ada", VIEW);
    expect(plots.value[0]?.fields.map(({ field }) => field)).toEqual(["bar", "litres"]);
  });
});
