/** Plots as files and panels hold them: the fields of each. */

import { newId } from "../../api/ids";
import { expectArray, expectObject } from "../values/json_check";
import { type FieldRef, parseFieldRef } from "../values/field_ref";

export interface PlotSpec {
  id: string;
  fields: FieldRef[];
}

/** The options of a panel of plots. */
export interface PlotsOptions {
  plots?: PlotSpec[];
}

/** A plot with more lines than this is not readable, and its colours are hard to tell apart. */
export const PLOT_LINES_MAX = 8;
const PLOTS_MAX = 64;

/** The plots of a JSON value; throws an Error that names the place and the rule. */
export function parsePlots(value: unknown, name: string): PlotSpec[] {
  const found = expectArray(value, name);
  if (found.length > PLOTS_MAX) throw new Error(`${name}: has ${found.length} plots, at most ${PLOTS_MAX} are allowed.`);
  return found.map((one, at) => parsePlot(one, `${name}[${at}]`));
}

function parsePlot(value: unknown, name: string): PlotSpec {
  const found = expectObject(value, name);
  const fields = expectArray(found["fields"], `${name}.fields`).map((one, at) => parseFieldRef(one, `${name}.fields[${at}]`));
  if (fields.length > PLOT_LINES_MAX) throw new Error(`${name}.fields: at most ${PLOT_LINES_MAX} lines, not ${fields.length}.`);
  return { id: typeof found["id"] === "string" ? found["id"] : newId(), fields };
}
