/** The kinds of panels that there are. */

import { allPanels, newPanelId, type PanelInstance, type PanelLayout } from "../layout/layout";
import { alignedKind } from "../kinds/aligned_kind";
import { gaugeKind } from "../kinds/gauge_kind";
import { histogramKind } from "../kinds/histogram_kind";
import { statesKind } from "../kinds/states_kind";
import { synopticKind } from "../kinds/synoptic_kind";
import { tableKind } from "../kinds/table_kind";
import { textKind } from "../kinds/text_kind";
import { xyKind } from "../kinds/xy_kind";
import { plotsKind } from "../plots/plots_kind";
import { recordingsKind } from "../recordings/recordings_kind";
import { type PanelKind, panelKind } from "./panel_kind";

/** The kinds in the order in which they are offered. */
export const PANEL_KINDS: readonly PanelKind[] = [
  single("entities", "Entities"),
  single("shields", "Shields"),
  single("cards", "Cards"),
  single("values", "Latest values", "Values"),
  panelKind(plotsKind),
  single("track", "Ground track", "Map"),
  single("inspector", "Events", "Events"),
  single("commands", "Commands"),
  single("alarms", "Alarms"),
  single("chat", "Chat"),
  single("notes", "Notes"),
  panelKind(recordingsKind),
  panelKind(alignedKind),
  panelKind(gaugeKind),
  panelKind(tableKind),
  panelKind(statesKind),
  panelKind(xyKind),
  panelKind(histogramKind),
  panelKind(synopticKind),
  panelKind(textKind),
];

const BY_NAME: ReadonlyMap<string, PanelKind> = new Map(PANEL_KINDS.map((kind) => [kind.kind, kind]));

/** The kind of a name; undefined if this NOVA has none. */
export function kindNamed(kind: string): PanelKind | undefined {
  return BY_NAME.get(kind);
}

/** The title of a panel: its user's own, else that of its kind. */
export function panelTitle(panel: PanelInstance): string {
  if (panel.title !== undefined) return panel.title;
  const kind = kindNamed(panel.kind);
  const named = panel.trouble === undefined ? kind?.titleOf?.(panel.options ?? {}) : undefined;
  return named ?? kind?.title ?? panel.kind;
}

/** The title of a panel's tab on a narrow screen. */
export function tabTitle(panel: PanelInstance): string {
  return panel.title ?? kindNamed(panel.kind)?.tabTitle ?? panelTitle(panel);
}

/** The kinds of which a page may have one more. */
export function kindsToAdd(layout: PanelLayout): PanelKind[] {
  const there = new Set(allPanels(layout).map(({ kind }) => kind));
  return PANEL_KINDS.filter(({ kind, isSingle }) => !isSingle || !there.has(kind));
}

/** A new panel of a kind for a page. */
export function newPanel(layout: PanelLayout, kind: string): PanelInstance {
  return { id: newPanelId(layout, kind), kind };
}

/** A kind without options, of which a page has at most one. */
function single(kind: string, title: string, tabTitle?: string): PanelKind {
  return { kind, title, ...(tabTitle === undefined ? {} : { tabTitle }), isSingle: true, schema: {} };
}
