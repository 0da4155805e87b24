/** The plots of the panels on the page, and the one that fields are added to. */

import { computed, effect, signal } from "@preact/signals";
import { newId } from "../../api/ids";
import type { SeriesName } from "../../api/series";
import { type PanelInstance, placedPanels } from "../layout/layout";
import { isNarrow, layout, maximised, setOptions, showPanel } from "../layout/layout_store";
import { type FieldRef, fieldKey, seriesNameKey } from "../values/field_ref";
import type { AxisSpec, PlotSpec, PlotsOptions } from "./plot_spec";
import { plotsKind, plotsWith } from "./plots_kind";

export type { FieldRef as PlotField } from "../values/field_ref";
export { fieldKey } from "../values/field_ref";
export { PLOT_LINES_MAX, type PlotSpec } from "./plot_spec";

/** All plots on the page, from every panel of plots. */
export const plots = computed<readonly PlotSpec[]>(() => plotPanels().flatMap(plotsOf));
/** The plot that the next field is added to. */
export const activePlot = signal<string | null>(null);

/** The plot that its panel shows alone. */
export const soloPlot = signal<string | null>(null);

/** Whether a plot is shown alone; not while its panel is one of several, where the others would seem lost. */
export function isPlotWhole(id: string): boolean {
  return soloPlot.value === id && (isNarrow.value || maximised.value?.id === panelOfPlot(id));
}

/** Keep the active plot one of those on the page. */
export function followActivePlot(): void {
  effect(() => {
    const found = plots.value;
    if (!found.some(({ id }) => id === activePlot.value)) activePlot.value = found.at(-1)?.id ?? null;
  });
}

/** The plots of a panel. */
export function plotsOf(panel: PanelInstance): readonly PlotSpec[] {
  return panel.trouble === undefined ? ((panel.options as PlotsOptions | undefined)?.plots ?? []) : [];
}

/** Add an empty plot to a panel, by default to the last one, and make it the active one. */
export function newPlot(panelId?: string): void {
  if (plotPanels().length === 0) showPanel(plotsKind.kind);
  const spec: PlotSpec = { id: newId(), fields: [] };
  changePlots(panelId ?? plotPanels().at(-1)?.id, (found) => [...found, spec]);
  activePlot.value = spec.id;
}

/** Let the next field go to a plot of this panel. */
export function activatePanel(panelId: string): void {
  const panel = plotPanels().find(({ id }) => id === panelId);
  if (panel === undefined || panel.id === panelWith(activePlot.value ?? undefined)?.id) return;
  const last = plotsOf(panel).at(-1);
  if (last === undefined) newPlot(panelId);
  else activePlot.value = last.id;
}

/** The id of the panel that has a plot. */
export function panelOfPlot(id: string): string | undefined {
  return panelWith(id)?.id;
}

/** Remove a plot. */
export function removePlot(id: string): void {
  changePlots(panelWith(id)?.id, (found) => found.filter((plot) => plot.id !== id));
  if (activePlot.value === id) activePlot.value = plots.value.at(-1)?.id ?? null;
}

/** Add a field to the active plot, or to a new one if there is none or it is full. */
export function addField(added: FieldRef): void {
  if (plotPanels().length === 0) showPanel(plotsKind.kind);
  const active = (plots.value.find(({ id }) => id === activePlot.value) ?? plots.value.at(-1))?.id;
  const panel = panelWith(active) ?? plotPanels().at(-1);
  if (panel === undefined) return;
  const before = plotsOf(panel);
  const after = plotsWith(before, active, added);
  changePlots(panel.id, () => after);
  activePlot.value = after[before.length]?.id ?? active ?? null;
}

/** Remove a field from a plot. */
export function removeField(id: string, removed: FieldRef): void {
  changePlot(id, (plot) => ({ ...plot, fields: plot.fields.filter((one) => fieldKey(one) !== fieldKey(removed)) }));
}

/** Hide the line of a field, or show it again. */
export function toggleLine(id: string, field: FieldRef): void {
  const key = fieldKey(field);
  changePlot(id, ({ hidden = [], ...plot }) => {
    const left = hidden.includes(key) ? hidden.filter((one) => one !== key) : [...hidden, key];
    return left.length === 0 ? plot : { ...plot, hidden: left };
  });
}

/** Set the axis of a unit; one without choices follows the data. */
export function setAxis(id: string, unit: string, axis: AxisSpec): void {
  changePlot(id, ({ axes = {}, ...plot }) => {
    const { [unit]: _, ...others } = axes;
    const next = Object.keys(axis).length === 0 ? others : { ...others, [unit]: axis };
    return Object.keys(next).length === 0 ? plot : { ...plot, axes: next };
  });
}

/** Show the statistics, or hide them. */
export function toggleTable(id: string): void {
  changePlot(id, ({ table, ...plot }) => (table === true ? plot : { ...plot, table: true }));
}

function changePlot(id: string, by: (plot: PlotSpec) => PlotSpec): void {
  changePlots(panelWith(id)?.id, (found) => found.map((plot) => (plot.id === id ? by(plot) : plot)));
}

/** Whether any plot shows a field. */
export function isPlotted(field: FieldRef): boolean {
  return plots.value.some((plot) => hasField(plot, field));
}

/** Change the plots of a panel. */
export function changePlots(panelId: string | undefined, by: (plots: readonly PlotSpec[]) => readonly PlotSpec[]): void {
  const panel = plotPanels().find(({ id }) => id === panelId);
  if (panel !== undefined) setOptions(panel.id, { ...panel.options, plots: by(plotsOf(panel)) });
}

function plotPanels(): PanelInstance[] {
  return placedPanels(layout.value).filter(({ kind, trouble }) => kind === plotsKind.kind && trouble === undefined);
}

function panelWith(plotId: string | undefined): PanelInstance | undefined {
  return plotPanels().find((panel) => plotsOf(panel).some(({ id }) => id === plotId));
}

function hasField(plot: PlotSpec, field: FieldRef): boolean {
  return plot.fields.some((one) => fieldKey(one) === fieldKey(field));
}

/** The fields of the plots by series: each series is requested once. */
export function fieldsBySeries(fields: readonly FieldRef[]): { series: SeriesName; fields: string[] }[] {
  const found = new Map<string, { series: SeriesName; fields: string[] }>();
  for (const { series, field } of fields) {
    const group = found.get(seriesNameKey(series)) ?? { series, fields: [] };
    if (!group.fields.includes(field)) group.fields.push(field);
    found.set(seriesNameKey(series), group);
  }
  return [...found.values()];
}
