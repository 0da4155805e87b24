/** Plots as files and panels hold them: the fields of each, which are hidden, and its axes. */

import { newId } from "../../api/ids";
import { expectArray, expectObject } from "../values/json_check";
import { type FieldRef, fieldKey, parseFieldRef } from "../values/field_ref";

export interface PlotSpec {
  id: string;
  fields: FieldRef[];
  /** Keys of the fields whose lines are not drawn. */
  hidden?: string[];
  /** By unit; "" is the axis of fields without one. */
  axes?: Record<string, AxisSpec>;
  /** Whether the statistics are shown below. */
  table?: boolean;
}

/** An axis: its own ends instead of those of the data, and whether it is logarithmic. */
export interface AxisSpec {
  min?: number;
  max?: number;
  log?: boolean;
}

/** The options of a panel of plots. */
export interface PlotsOptions {
  plots?: PlotSpec[];
}

/** A plot with more lines than this is not readable, and its colours are hard to tell apart. */
export const PLOT_LINES_MAX = 8;
const PLOTS_MAX = 64;
/** Beyond it neighbouring ticks are the same number to the chart, and it draws none. */
export const AXIS_END_MAX = 1e15;

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
  const keys = new Set(fields.map(fieldKey));
  const hidden = expectArray(found["hidden"] ?? [], `${name}.hidden`).filter((one): one is string => keys.has(one as string));
  const axes = parseAxes(found["axes"] ?? {}, `${name}.axes`);
  return {
    id: typeof found["id"] === "string" ? found["id"] : newId(),
    fields,
    ...(hidden.length === 0 ? {} : { hidden }),
    ...(Object.keys(axes).length === 0 ? {} : { axes }),
    ...(found["table"] === true ? { table: true } : {}),
  };
}

function parseAxes(value: unknown, name: string): Record<string, AxisSpec> {
  const entries = Object.entries(expectObject(value, name));
  return Object.fromEntries(entries.map(([unit, one]) => [unit, parseAxis(one, `${name}["${unit}"]`)]));
}

function parseAxis(value: unknown, name: string): AxisSpec {
  const found = expectObject(value, name);
  const end = (member: "min" | "max") => {
    const given = found[member];
    if (given == null) return {};
    if (typeof given !== "number" || !Number.isFinite(given)) throw new Error(`${name}.${member}: must be a number.`);
    return { [member]: given };
  };
  const axis: AxisSpec = { ...end("min"), ...end("max"), ...(found["log"] === true ? { log: true } : {}) };
  const problem = axisProblem(axis);
  if (problem !== "") throw new Error(`${name}: ${problem}`);
  return axis;
}

/** Why an axis cannot be drawn; empty if it can. */
export function axisProblem({ min, max, log }: AxisSpec): string {
  if ([min, max].some((end) => end !== undefined && !(Math.abs(end) <= AXIS_END_MAX))) {
    return `the ends of an axis must be numbers from −${AXIS_END_MAX} to ${AXIS_END_MAX}.`;
  }
  if (min !== undefined && max !== undefined && min >= max) return "the lower end must be below the upper one.";
  const isPositive = (min ?? 1) > 0 && (max ?? 1) > 0;
  return log === true && !isPositive ? "the ends of a logarithmic axis must be above 0." : "";
}
