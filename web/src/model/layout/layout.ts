/** The layout of the panels: columns of panels, and the hidden panels. */

export type PanelId = "entities" | "shields" | "cards" | "values" | "plots" | "track" | "inspector" | "commands" | "alarms" | "chat";

/** Shares are relative to one another: in a column of 2 and 1 the first is twice as high. */
export interface PlacedPanel {
  id: PanelId;
  share: number;
}

export interface LayoutColumn {
  share: number;
  panels: readonly PlacedPanel[];
}

export interface PanelLayout {
  version: 1;
  columns: readonly LayoutColumn[];
  hidden: readonly PanelId[];
}

export const PANELS: Readonly<Record<PanelId, string>> = {
  entities: "Entities",
  shields: "Shields",
  cards: "Cards",
  values: "Latest values",
  plots: "Plots",
  track: "Ground track",
  inspector: "Events",
  commands: "Commands",
  alarms: "Alarms",
  chat: "Chat",
};

export const DEFAULT_LAYOUT: PanelLayout = {
  version: 1,
  columns: [
    {
      share: 19,
      panels: [
        { id: "entities", share: 1.2 },
        { id: "values", share: 1 },
      ],
    },
    {
      share: 30,
      panels: [
        { id: "shields", share: 0.9 },
        { id: "alarms", share: 0.9 },
        { id: "cards", share: 1.2 },
      ],
    },
    {
      share: 25,
      panels: [
        { id: "commands", share: 0.9 },
        { id: "inspector", share: 1.1 },
      ],
    },
    {
      share: 26,
      panels: [
        { id: "plots", share: 1 },
        { id: "track", share: 0.85 },
        { id: "chat", share: 0.65 },
      ],
    },
  ],
  hidden: [],
};

/** The smallest share of the two panels that a splitter divides. */
const SHARE_MIN = 0.08;

/** A drop target: before the row-th panel of a column, or a new column before that one. */
export type MoveTarget = { column: number; row: number } | { newColumn: number };
export type MoveDirection = "left" | "right" | "up" | "down";

/** Where a panel is; undefined if it is hidden. */
export function panelPosition(layout: PanelLayout, id: PanelId): { column: number; row: number } | undefined {
  for (const [column, { panels }] of layout.columns.entries()) {
    const row = panels.findIndex((panel) => panel.id === id);
    if (row >= 0) return { column, row };
  }
  return undefined;
}

/** The layout with a panel moved to a place, or shown there if it was hidden. */
export function panelMoved(layout: PanelLayout, id: PanelId, target: MoveTarget): PanelLayout {
  const from = panelPosition(layout, id);
  const share = from === undefined ? 1 : (layout.columns[from.column]?.panels[from.row]?.share ?? 1);
  const marked = layout.columns.map((column) => ({
    share: column.share,
    panels: column.panels.map((panel) => (panel.id === id ? undefined : panel)),
  }));
  const placed: PlacedPanel = { id, share };
  if ("newColumn" in target) {
    const width = average(layout.columns.map((column) => column.share));
    marked.splice(target.newColumn, 0, { share: width, panels: [placed] });
  } else {
    const into = marked[target.column]?.panels;
    if (into === undefined) return layout;
    into.splice(target.row, 0, { id, share: average(defined(into).map((panel) => panel.share)) });
  }
  return tidy({ ...layout, columns: marked.map((one) => ({ ...one, panels: defined(one.panels) })) }, id);
}

/** The layout with a panel moved by one place, as with the keyboard. */
export function panelNudged(layout: PanelLayout, id: PanelId, direction: MoveDirection): PanelLayout {
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

/** The layout without a panel. */
export function panelHidden(layout: PanelLayout, id: PanelId): PanelLayout {
  const columns = layout.columns.map((column) => ({
    ...column,
    panels: column.panels.filter((panel) => panel.id !== id),
  }));
  return { ...tidy({ ...layout, columns }), hidden: [...layout.hidden.filter((one) => one !== id), id] };
}

/** The layout with a hidden panel added to the last column. */
export function panelShown(layout: PanelLayout, id: PanelId): PanelLayout {
  if (layout.columns.length === 0) return panelMoved(layout, id, { newColumn: 0 });
  const column = layout.columns.length - 1;
  return panelMoved(layout, id, { column, row: layout.columns[column]?.panels.length ?? 0 });
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

function tidy(layout: PanelLayout, shownNow?: PanelId): PanelLayout {
  return {
    ...layout,
    columns: layout.columns.filter((column) => column.panels.length > 0),
    hidden: layout.hidden.filter((id) => id !== shownNow),
  };
}

function average(shares: readonly number[]): number {
  return shares.length === 0 ? 1 : shares.reduce((sum, one) => sum + one, 0) / shares.length;
}

function defined<T>(all: readonly (T | undefined)[]): T[] {
  return all.filter((one) => one !== undefined);
}
