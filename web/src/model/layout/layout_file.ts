/** Layouts as JSON, for storage and export; validated when they are read. */

import { expectArray, expectObject, parseJson } from "../values/json_check";
import { type LayoutColumn, type PanelId, type PanelLayout, PANELS, type PlacedPanel } from "./layout";

const COLUMNS_MAX = 8;

/** The layout in JSON text; throws an Error that names the place and the rule. */
export function parseLayout(text: string): PanelLayout {
  return layoutOf(parseJson(text));
}

/** The layout of a JSON value; a panel that it does not name is hidden. */
export function layoutOf(value: unknown): PanelLayout {
  const found = expectObject(value, "A layout");
  if (found["version"] !== 1) throw new Error("version: this NOVA reads layouts of version 1.");
  const columns = expectArray(found["columns"], "columns").map(columnOf);
  if (columns.length > COLUMNS_MAX) throw new Error(`columns: at most ${COLUMNS_MAX}, not ${columns.length}.`);
  const placed = columns.flatMap((column) => column.panels.map((panel) => panel.id));
  const twice = placed.find((id, index) => placed.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`columns: the panel "${twice}" is there twice.`);
  const all = Object.keys(PANELS) as PanelId[];
  return {
    version: 1,
    columns: columns.filter((column) => column.panels.length > 0),
    hidden: all.filter((id) => !placed.includes(id)),
  };
}

function columnOf(value: unknown, index: number): LayoutColumn {
  const name = `columns[${index}]`;
  const found = expectObject(value, name);
  const panels = expectArray(found["panels"], `${name}.panels`);
  return { share: shareOf(found["share"], name), panels: panels.map((panel, row) => placedOf(panel, `${name}.panels[${row}]`)) };
}

function placedOf(value: unknown, name: string): PlacedPanel {
  const found = expectObject(value, name);
  const id = found["id"];
  if (typeof id !== "string" || !Object.hasOwn(PANELS, id)) {
    throw new Error(`${name}.id: must be one of ${Object.keys(PANELS).join(", ")}.`);
  }
  return { id: id as PanelId, share: shareOf(found["share"], name) };
}

function shareOf(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new Error(`${name}.share: must be a number above 0.`);
  }
  return value;
}
