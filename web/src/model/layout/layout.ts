/** The layout of one page: columns of panels, and the panels that are put away. */

/** What a panel shows, as JSON; each kind has its own members. */
export type PanelOptions = Readonly<Record<string, unknown>>;

/** A panel of a page. */
export interface PanelInstance {
  /** Unique on its page; of a kind of which a page has at most one, the kind itself. */
  id: string;
  kind: string;
  /** The title that a user gave it. */
  title?: string;
  options?: PanelOptions;
  /** Why its kind cannot show these options; it keeps them, and is never written. */
  trouble?: string;
}

/** Shares are relative to one another: in a column of 2 and 1 the first is twice as high. */
export interface PlacedPanel extends PanelInstance {
  share: number;
}

export interface LayoutColumn {
  share: number;
  panels: readonly PlacedPanel[];
}

export interface PanelLayout {
  columns: readonly LayoutColumn[];
  /** The panels that are put away: their options are kept. */
  hidden: readonly PanelInstance[];
}

/** The part of a column that a panel which is added has at least, whatever is there already. */
const ADDED_MIN = 0.4;
/** The smallest share of the two panels that a splitter divides. */
const SHARE_MIN = 0.08;

/** A drop target: before the row-th panel of a column, or a new column before that one. */
export type MoveTarget = { column: number; row: number } | { newColumn: number };
export type MoveDirection = "left" | "right" | "up" | "down";

/** Where a panel is; undefined if it is hidden. */
export function panelPosition(layout: PanelLayout, id: string): { column: number; row: number } | undefined {
  for (const [column, { panels }] of layout.columns.entries()) {
    const row = panels.findIndex((panel) => panel.id === id);
    if (row >= 0) return { column, row };
  }
  return undefined;
}

/** The panels of a layout, from left to right and from top to bottom. */
export function placedPanels(layout: PanelLayout): PlacedPanel[] {
  return layout.columns.flatMap(({ panels }) => panels);
}

/** All panels of a page, also the hidden ones. */
export function allPanels(layout: PanelLayout): PanelInstance[] {
  return [...placedPanels(layout), ...layout.hidden];
}

/** The panel with an id; undefined if the page has none. */
export function panelOf(layout: PanelLayout, id: string): PanelInstance | undefined {
  return allPanels(layout).find((panel) => panel.id === id);
}

/** The layout with a panel moved to a place, or shown there if it was hidden. */
export function panelMoved(layout: PanelLayout, id: string, target: MoveTarget): PanelLayout {
  const panel = panelOf(layout, id);
  return panel === undefined ? layout : panelPlaced(layout, panel, target);
}

/** The layout with a panel at a place, wherever it was before. */
function panelPlaced(layout: PanelLayout, panel: PanelInstance, target: MoveTarget): PanelLayout {
  const marked = layout.columns.map((column) => ({
    share: column.share,
    panels: column.panels.map((one) => (one.id === panel.id ? undefined : one)),
  }));
  if ("newColumn" in target) {
    const share = "share" in panel ? (panel as PlacedPanel).share : 1;
    const width = average(layout.columns.map((column) => column.share));
    marked.splice(target.newColumn, 0, { share: width, panels: [{ ...panel, share }] });
  } else {
    const into = marked[target.column]?.panels;
    if (into === undefined) return layout;
    into.splice(target.row, 0, { ...panel, share: average(defined(into).map((one) => one.share)) });
  }
  const columns = marked.map((one) => ({ ...one, panels: defined(one.panels) }));
  return { columns: filled(columns), hidden: layout.hidden.filter((one) => one.id !== panel.id) };
}

/** The layout with a panel moved by one place, as with the keyboard. */
export function panelNudged(layout: PanelLayout, id: string, direction: MoveDirection): PanelLayout {
  const at = panelPosition(layout, id);
  if (at === undefined) return layout;
  const alone = layout.columns[at.column]?.panels.length === 1;
  if (direction === "up") return at.row === 0 ? layout : panelMoved(layout, id, { column: at.column, row: at.row - 1 });
  if (direction === "down") return panelMoved(layout, id, { column: at.column, row: at.row + 2 });
  const column = at.column + (direction === "left" ? -1 : 1);
  if (layout.columns[column] !== undefined) {
    return panelMoved(layout, id, { column, row: layout.columns[column].panels.length });
  }
  return alone ? layout : panelMoved(layout, id, { newColumn: Math.max(0, column) });
}

/** The layout with a panel put away. */
export function panelHidden(layout: PanelLayout, id: string): PanelLayout {
  const panel = panelOf(layout, id);
  if (panel === undefined) return layout;
  const { share: _, ...kept } = panel as PlacedPanel;
  const without = panelRemoved(layout, id);
  return { ...without, hidden: [...without.hidden, kept] };
}

/** The layout without a panel and its options. */
export function panelRemoved(layout: PanelLayout, id: string): PanelLayout {
  const columns = layout.columns.map((column) => ({
    ...column,
    panels: column.panels.filter((panel) => panel.id !== id),
  }));
  return { columns: filled(columns), hidden: layout.hidden.filter((panel) => panel.id !== id) };
}

/** The layout with a hidden panel added to the last column. */
export function panelShown(layout: PanelLayout, id: string): PanelLayout {
  const panel = panelOf(layout, id);
  return panel === undefined ? layout : panelAdded(layout, panel);
}

/** The layout with a panel added to the last column, high enough to be used. */
export function panelAdded(layout: PanelLayout, panel: PanelInstance): PanelLayout {
  if (layout.columns.length === 0) return panelPlaced(layout, panel, { newColumn: 0 });
  const column = layout.columns.length - 1;
  const placed = panelPlaced(layout, panel, { column, row: layout.columns[column]?.panels.length ?? 0 });
  const shares = placed.columns.at(-1)?.panels.map(({ share }) => share) ?? [];
  const others = shares.slice(0, -1).reduce((sum, one) => sum + one, 0);
  const least = (others * ADDED_MIN) / (1 - ADDED_MIN);
  return withHeights(placed, placed.columns.length - 1, [...shares.slice(0, -1), Math.max(least, shares.at(-1) ?? 1)]);
}

/** The layout with other members of a panel, wherever it is. */
export function panelChanged(layout: PanelLayout, id: string, change: PanelChange): PanelLayout {
  const changed = <T extends PanelInstance>(panel: T): T => (panel.id === id ? withChange(panel, change) : panel);
  return {
    columns: layout.columns.map((column) => ({ ...column, panels: column.panels.map(changed) })),
    hidden: layout.hidden.map(changed),
  };
}

/** Members of a panel to replace; undefined removes one. */
type PanelChange = { [Member in "title" | "options"]?: PanelInstance[Member] | undefined };

function withChange<T extends PanelInstance>(panel: T, change: PanelChange): T {
  const members = Object.entries({ ...panel, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as T;
}

/** An id for a new panel: the name of its kind, with a number if there is one already. */
export function newPanelId(layout: PanelLayout, kind: string): string {
  const taken = new Set(allPanels(layout).map(({ id }) => id));
  let id = kind;
  for (let number = 2; taken.has(id); number++) id = `${kind}-${number}`;
  return id;
}

/** Shares after the splitter behind the index-th part has moved by a fraction of its two neighbours. */
export function sharesResized(shares: readonly number[], index: number, fraction: number): number[] {
  const [before, after] = [shares[index], shares[index + 1]];
  if (before === undefined || after === undefined) return [...shares];
  const both = before + after;
  const wanted = before / both + fraction;
  const share = Math.min(1 - SHARE_MIN, Math.max(SHARE_MIN, wanted));
  return shares.map((one, at) => (at === index ? both * share : at === index + 1 ? both * (1 - share) : one));
}

/** The layout with other column widths. */
export function withWidths(layout: PanelLayout, shares: readonly number[]): PanelLayout {
  return { ...layout, columns: layout.columns.map((column, at) => ({ ...column, share: shares[at] ?? column.share })) };
}

/** The layout with other panel heights in one column. */
export function withHeights(layout: PanelLayout, column: number, shares: readonly number[]): PanelLayout {
  const columns = layout.columns.map((one, at) =>
    at === column
      ? { ...one, panels: one.panels.map((panel, row) => ({ ...panel, share: shares[row] ?? panel.share })) }
      : one,
  );
  return { ...layout, columns };
}

function filled(columns: readonly LayoutColumn[]): LayoutColumn[] {
  return columns.filter((column) => column.panels.length > 0);
}

function average(shares: readonly number[]): number {
  return shares.length === 0 ? 1 : shares.reduce((sum, one) => sum + one, 0) / shares.length;
}

function defined<T>(all: readonly (T | undefined)[]): T[] {
  return all.filter((one) => one !== undefined);
}
