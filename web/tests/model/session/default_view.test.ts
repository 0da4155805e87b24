import { effect } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DefaultView } from "../../../src/api/protocol";
import { openFormOf } from "../../../src/model/commands/command_panel";
import { BUILT_IN, pageChanged } from "../../../src/model/displays/display";
import { display, persistDisplay, resetDisplay } from "../../../src/model/displays/open_display";
import { panelHidden, placedPanels } from "../../../src/model/layout/layout";
import { activeTab, changeLayout, layout } from "../../../src/model/layout/layout_store";
import { addField, plots, removePlot } from "../../../src/model/plots/plots";
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
persistDisplay();
effect(() => void activeTab.value);

/** The edge's message after login, with the user's name. */
function logIn(name: string, view: DefaultView | null): void {
  [user.value, defaultView.value] = [null, null];
  user.value = name;
  defaultView.value = view;
}

function kinds(): string[] {
  return placedPanels(layout.value).map(({ kind }) => kind);
}

function plotted(): (string | undefined)[] {
  return plots.value.map(({ fields }) => fields[0]?.field);
}

describe("the default view of an instance", () => {
  beforeEach(() => stored.clear());

  it("is used for a user who has chosen nothing", () => {
    logIn("ada", VIEW);
    expect(kinds()).toEqual(["plots"]);
    expect(layout.value.hidden.map(({ kind }) => kind)).toContain("chat");
    expect(plotted()).toEqual(["bar"]);
    expect(activeTab.value?.id).toBe("plots");
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
    display.value = pageChanged(display.value, 0, () => panelHidden(BUILT_IN, "chat"));
    removePlot(plots.value[0]?.id ?? "");
    logIn("eve", VIEW);
    expect(plotted()).toEqual(["bar"]);
    logIn("ada", VIEW);
    expect(layout.value).toEqual({ name: "Page 1", ...panelHidden(BUILT_IN, "chat") });
    expect(plotted()).toEqual([]);
  });

  it("is what a layout resets to, and is ignored when it cannot be read", () => {
    logIn("ada", VIEW);
    changeLayout(() => panelHidden(BUILT_IN, "chat"));
    resetDisplay();
    expect(kinds()).toEqual(["plots"]);
    logIn("ada", { layout: { version: 1, columns: [{ panels: [{ id: "plots" }, { id: "plots" }] }] } });
    expect(layout.value.columns).toEqual(BUILT_IN.columns);
  });

  it("keeps fields that a user adds to its plots", () => {
    logIn("ada", VIEW);
    addField({ series: { ...PUMP, lane: "parsed", messageType: "State" }, field: "litres" });
    logIn("ada", VIEW);
    expect(plots.value[0]?.fields.map(({ field }) => field)).toEqual(["bar", "litres"]);
  });

  it("gives way to the layout and plots that an earlier version stored in the browser", () => {
    const layoutOfVersion1 = { version: 1, columns: [{ share: 1, panels: [{ id: "chat", share: 1 }] }], hidden: [] };
    stored.set("nova.layout.ada", JSON.stringify(layoutOfVersion1));
    stored.set("nova.plots.ada", JSON.stringify([null, { id: "a", fields: [{ series: { ...PUMP, lane: "ui", messageType: "x" }, field: "rpm" }] }]));
    logIn("ada", VIEW);
    expect(kinds()).toEqual(["chat"]);
    const hidden = layout.value.hidden.find(({ kind }) => kind === "plots");
    expect(hidden?.options).toMatchObject({ plots: [{ id: "a", fields: [{ field: "rpm" }] }] });
    expect([...stored.keys()]).toEqual(["nova.display.ada"]);
    logIn("ada", VIEW);
    expect(kinds()).toEqual(["chat"]);
  });
});
