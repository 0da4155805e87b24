/** Displays of what there was before displays: an instance's default view, and the layout and plots of a browser. */

import { newId } from "../../api/ids";
import { allPanels, panelChanged, type PanelLayout } from "../layout/layout";
import { firstLayoutOf } from "../layout/layout_file";
import { parsePlots, PLOT_LINES_MAX, type PlotSpec } from "../plots/plot_spec";
import { type DefaultView, viewLineSeries } from "../session/default_view";
import { BUILT_IN, type Display, onePage } from "./display";

const DEFAULT_NAME = "Default";

/** The display of an instance's default view, in its built-in layout if it names none. */
export function displayOfView(view: DefaultView | null): Display {
  return onePage(DEFAULT_NAME, withPlots(layoutOr(view?.layout, BUILT_IN), plotsOfView(view)));
}

/** The display of a layout and plots that an earlier version stored in the browser; undefined if it stored none. */
export function displayOfStored(layout: unknown, plots: unknown, view: DefaultView | null): Display | undefined {
  if (layout === undefined && plots === undefined) return undefined;
  const found = layoutOr(layout, layoutOr(view?.layout, BUILT_IN));
  return onePage("Own", withPlots(found, plots === undefined ? plotsOfView(view) : restoredPlots(plots)));
}

/** The layout of a value of the first version; a default if it is not valid. */
function layoutOr(value: unknown, otherwise: PanelLayout): PanelLayout {
  if (value == null) return otherwise;
  try {
    return firstLayoutOf(value);
  } catch {
    return otherwise;
  }
}

/** The layout with plots in its panel of plots, even a hidden one. */
function withPlots(layout: PanelLayout, plots: readonly PlotSpec[]): PanelLayout {
  const panel = allPanels(layout).find(({ kind }) => kind === "plots");
  return panel === undefined || plots.length === 0 ? layout : panelChanged(layout, panel.id, { options: { plots } });
}

/** The plots of an instance's default view. */
function plotsOfView(view: DefaultView | null): PlotSpec[] {
  return (view?.plots ?? []).map((lines) => ({
    id: newId(),
    fields: lines.slice(0, PLOT_LINES_MAX).map(({ field, ...series }) => ({ series: viewLineSeries(series), field })),
  }));
}

/** The plots of a stored value; invalid ones are left out. */
function restoredPlots(value: unknown): PlotSpec[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    try {
      return parsePlots([one], "plots");
    } catch {
      return [];
    }
  });
}
