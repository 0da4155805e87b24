/** Layouts as JSON, for storage and files; checked when they are read. */

import { kindNamed, PANEL_KINDS } from "../panels/panel_kinds";
import { parseOptions } from "../panels/option_schema";
import { expectArray, expectName, expectObject, expectOnly, expectText } from "../values/json_check";
import { allPanels, type LayoutColumn, type PanelInstance, type PanelLayout, type PlacedPanel } from "./layout";

const COLUMNS_MAX = 8;
const PANELS_MAX = 60;
const ID_MAX_CHARS = 64;
export const TITLE_MAX_CHARS = 100;

/** How options that break a rule are taken: refused, or kept in a panel that says what is wrong. */
export type Reading = "refuse" | "keep";

/** The layout of a page's members; throws an Error that names the place and the rule. */
export function pageLayoutOf(found: Record<string, unknown>, name: string, reading: Reading): PanelLayout {
  const columns = columnsOf(found, name, (value, place) => panelOf(value, place, reading));
  const hidden = expectArray(found["hidden"] ?? [], `${name}hidden`);
  const layout = { columns, hidden: hidden.map((value, at) => panelOf(value, `${name}hidden[${at}]`, reading)) };
  requireOnce(layout, name);
  return layout;
}

/** The layout of a file of the first version, whose panels are named by their kinds; those that it does not name are hidden. */
export function firstLayoutOf(value: unknown): PanelLayout {
  const found = expectObject(value, "A layout");
  if (found["version"] !== 1) throw new Error("version: this NOVA reads layouts of version 1.");
  const columns = columnsOf(found, "", (panel, name) => {
    const id = expectObject(panel, name)["id"];
    if (typeof id === "string" && kindNamed(id) !== undefined) return { id, kind: id };
    throw new Error(`${name}.id: must be one of ${PANEL_KINDS.map(({ kind }) => kind).join(", ")}.`);
  });
  const placed = columns.flatMap(({ panels }) => panels);
  const others = FIRST_KINDS.filter((kind) => !placed.some((panel) => panel.kind === kind));
  const layout = { columns, hidden: others.map((kind) => ({ id: kind, kind })) };
  requireOnce(layout, "");
  return layout;
}

/** The kinds of the first version, which hid the panels that it did not place. */
export const FIRST_KINDS = [
  "entities",
  "shields",
  "cards",
  "values",
  "plots",
  "track",
  "inspector",
  "commands",
  "alarms",
  "chat",
];

/** A layout as it is written: without what was found to be wrong with it. */
export function layoutJson({ columns, hidden }: PanelLayout): { columns: LayoutColumn[]; hidden: PanelInstance[] } {
  const written = <T extends PanelInstance>({ trouble: _, ...panel }: T) => panel as T;
  return { columns: columns.map(({ share, panels }) => ({ share, panels: panels.map(written) })), hidden: hidden.map(written) };
}

type PanelReader = (value: unknown, name: string) => PanelInstance;

function columnsOf(found: Record<string, unknown>, name: string, read: PanelReader): LayoutColumn[] {
  const columns = expectArray(found["columns"], `${name}columns`);
  if (columns.length > COLUMNS_MAX) throw new Error(`${name}columns: at most ${COLUMNS_MAX}, not ${columns.length}.`);
  return columns.map((value, at) => columnOf(value, `${name}columns[${at}]`, read)).filter(({ panels }) => panels.length > 0);
}

function columnOf(value: unknown, name: string, read: PanelReader): LayoutColumn {
  const found = expectObject(value, name);
  const panels = expectArray(found["panels"], `${name}.panels`).map((panel, row): PlacedPanel => {
    const place = `${name}.panels[${row}]`;
    return { ...read(panel, place), share: shareOf(expectObject(panel, place)["share"], place) };
  });
  return { share: shareOf(found["share"], name), panels };
}

function panelOf(value: unknown, name: string, reading: Reading): PanelInstance {
  const found = expectObject(value, name);
  expectOnly(found, ["id", "kind", "title", "options", "share"], name);
  const nameIn = reading === "refuse" ? expectName : expectText;
  const id = nameIn(found["id"], `${name}.id`, ID_MAX_CHARS);
  const kind = nameIn(found["kind"] ?? id, `${name}.kind`, ID_MAX_CHARS);
  const title = found["title"] == null ? {} : { title: nameIn(found["title"], `${name}.title`, TITLE_MAX_CHARS) };
  const given = expectObject(found["options"] ?? {}, `${name}.options`);
  try {
    const options = optionsOf(kind, given, name);
    return { id, kind, ...title, ...(Object.keys(options).length === 0 ? {} : { options }) };
  } catch (error) {
    if (reading === "refuse") throw error;
    return { id, kind, ...title, options: given, trouble: (error as Error).message };
  }
}

function optionsOf(kind: string, given: Record<string, unknown>, name: string): Record<string, unknown> {
  const known = kindNamed(kind);
  if (known !== undefined) return parseOptions(known.schema, given, `${name}.options`);
  throw new Error(`${name}.kind: must be one of ${PANEL_KINDS.map((one) => one.kind).join(", ")}.`);
}

function requireOnce(layout: PanelLayout, name: string): void {
  const panels = allPanels(layout);
  if (panels.length > PANELS_MAX) throw new Error(`${name}columns: at most ${PANELS_MAX} panels, not ${panels.length}.`);
  const twice = panels.find(({ id }, at) => panels.findIndex((one) => one.id === id) !== at);
  if (twice !== undefined) throw new Error(`${name}columns: the panel "${twice.id}" is there twice.`);
  const wrong = panels.find(({ id, kind }) => id !== kind && (isSingle(kind) || isSingle(id)));
  if (wrong === undefined) return;
  const single = isSingle(wrong.kind) ? wrong.kind : wrong.id;
  throw new Error(`${name}columns: a page has one panel of the kind "${single}", whose id is "${single}", and no other panel has this id.`);
}

function isSingle(kind: string): boolean {
  return kindNamed(kind)?.isSingle === true;
}

function shareOf(value: unknown, name: string): number {
  if (value === undefined) return 1;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new Error(`${name}.share: must be a number above 0.`);
  }
  return value;
}
