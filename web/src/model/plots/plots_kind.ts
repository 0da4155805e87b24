/** The kind of panel that holds plots, one above the other. */

import { newId } from "../../api/ids";
import type { PanelKind } from "../panels/panel_kind";
import { type FieldRef, fieldKey } from "../values/field_ref";
import { parsePlots, PLOT_LINES_MAX, type PlotSpec, type PlotsOptions } from "./plot_spec";

export const plotsKind: PanelKind<PlotsOptions> = {
  kind: "plots",
  title: "Plots",
  isSingle: false,
  schema: { plots: { label: "Plots", type: "json", parse: parsePlots } },
  withField: ({ plots = [], ...others }, field, part) => ({ ...others, plots: plotsWith(plots, part ?? plots.at(-1)?.id, field) }),
};

/** The plots with a field added to one of them, or in a new one if there is none or it is full. */
export function plotsWith(plots: readonly PlotSpec[], id: string | undefined, added: FieldRef): PlotSpec[] {
  const into = plots.find((plot) => plot.id === id);
  if (into === undefined || into.fields.length >= PLOT_LINES_MAX) return [...plots, { id: newId(), fields: [added] }];
  if (into.fields.some((one) => fieldKey(one) === fieldKey(added))) return [...plots];
  return plots.map((plot) => (plot === into ? { ...plot, fields: [...plot.fields, added] } : plot));
}
