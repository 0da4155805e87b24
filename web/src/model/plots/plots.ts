/** The plots and their fields: the user's own from this browser, else the instance's default. */

import { computed, effect, signal } from "@preact/signals";
import { newId } from "../../api/ids";
import type { SeriesName } from "../../api/series";
import { loadLocal, removeLocal, saveLocal } from "../page/local_store";
import { type DefaultView, viewLineSeries } from "../session/default_view";
import { defaultView, user } from "../session/session";
import { seriesNameKey } from "./sampling";

/** One field of one series. */
export interface PlotField {
  series: SeriesName;
  field: string;
}

export interface PlotSpec {
  id: string;
  fields: PlotField[];
}

/** A plot with more lines than this is not readable, and its colours are hard to tell apart. */
export const PLOT_LINES_MAX = 8;
const PLOTS_KEY = "plots";

export const plots = signal<readonly PlotSpec[]>([]);
/** The plot that the next field is added to. */
export const activePlot = signal<string | null>(null);

/** The plots of a user who has chosen none. */
const defaultPlots = computed<readonly PlotSpec[]>(() => plotsOf(defaultView.value));

/** Load the plots at login, and save their changes. */
export function persistPlots(): void {
  effect(() => {
    if (user.value === null) return;
    const own = loadLocal(PLOTS_KEY, user.value);
    const found = own === undefined ? defaultPlots.value : restoredPlots(own);
    [plots.value, activePlot.value] = [found, found.at(-1)?.id ?? null];
  });
  effect(() => {
    const found = plots.value;
    const name = user.peek();
    if (name === null) return;
    // A user who has chosen nothing follows later changes of the instance's default.
    if (found === defaultPlots.peek()) removeLocal(PLOTS_KEY, name);
    else saveLocal(PLOTS_KEY, name, found);
  });
}

/** The plots of an instance's default view. */
export function plotsOf(view: DefaultView | null): PlotSpec[] {
  return (view?.plots ?? []).map((lines) => ({
    id: newId(),
    fields: lines.slice(0, PLOT_LINES_MAX).map(({ field, ...series }) => ({ series: viewLineSeries(series), field })),
  }));
}

/** The plots of a stored value; invalid ones are left out. */
export function restoredPlots(value: unknown): PlotSpec[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const spec = one as Partial<PlotSpec> | null;
    if (typeof spec?.id !== "string" || !Array.isArray(spec.fields)) return [];
    return [{ id: spec.id, fields: spec.fields.filter(isField).slice(0, PLOT_LINES_MAX) }];
  });
}

function isField(value: PlotField | null): boolean {
  const series = value?.series as Partial<SeriesName> | undefined;
  const names = [series?.scopeId, series?.systemId, series?.containerId, series?.uniqueId, series?.lane];
  return typeof value?.field === "string" && [...names, series?.messageType].every((name) => typeof name === "string");
}

/** The map key of a field. */
export function fieldKey(of: PlotField): string {
  return `${seriesNameKey(of.series)} ${of.field}`;
}

/** Add an empty plot and make it the active one. */
export function newPlot(): void {
  const spec: PlotSpec = { id: newId(), fields: [] };
  plots.value = [...plots.value, spec];
  activePlot.value = spec.id;
}

/** Remove a plot. */
export function removePlot(id: string): void {
  plots.value = plots.value.filter((plot) => plot.id !== id);
  if (activePlot.value === id) activePlot.value = plots.value.at(-1)?.id ?? null;
}

/** Add a field to the active plot, or to a new one if there is none or it is full. */
export function addField(added: PlotField): void {
  const into = plots.value.find((plot) => plot.id === activePlot.value);
  if (into === undefined || into.fields.length >= PLOT_LINES_MAX) newPlot();
  changeFields(activePlot.value ?? "", (fields) =>
    fields.some((one) => fieldKey(one) === fieldKey(added)) ? fields : [...fields, added],
  );
}

/** Remove a field from a plot. */
export function removeField(id: string, removed: PlotField): void {
  changeFields(id, (fields) => fields.filter((one) => fieldKey(one) !== fieldKey(removed)));
}

/** Whether any plot shows a field. */
export function isPlotted(field: PlotField): boolean {
  return plots.value.some((plot) => plot.fields.some((one) => fieldKey(one) === fieldKey(field)));
}

function changeFields(id: string, by: (fields: PlotField[]) => PlotField[]): void {
  plots.value = plots.value.map((plot) => (plot.id === id ? { ...plot, fields: by(plot.fields) } : plot));
}

/** The fields of the plots by series: each series is requested once. */
export function fieldsBySeries(fields: readonly PlotField[]): { series: SeriesName; fields: string[] }[] {
  const found = new Map<string, { series: SeriesName; fields: string[] }>();
  for (const { series, field } of fields) {
    const group = found.get(seriesNameKey(series)) ?? { series, fields: [] };
    if (!group.fields.includes(field)) group.fields.push(field);
    found.set(seriesNameKey(series), group);
  }
  return [...found.values()];
}
