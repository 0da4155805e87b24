/** The layout of the page that is shown, and what of it is on the screen. */

import { computed, signal } from "@preact/signals";
import { pageChanged } from "../displays/display";
import { display, pageIndex } from "../displays/open_display";
import { newPanel, PANEL_KINDS } from "../panels/panel_kinds";
import { defaultView } from "../session/session";
import {
  allPanels,
  panelAdded,
  panelChanged,
  type PanelInstance,
  type PanelLayout,
  type PanelOptions,
  panelPosition,
  panelShown,
  placedPanels,
} from "./layout";

/** Up to this width, in CSS pixels, there is one column, with a tab for each panel; */
export const NARROW_MAX_PX = 760;
/** so is there where the narrowest column would be narrower than this. */
const COLUMN_MIN_PX = 170;

const EMPTY: PanelLayout = { columns: [], hidden: [] };

export const layout = computed<PanelLayout>(() => display.value.pages[pageIndex.value] ?? display.value.pages[0] ?? EMPTY);
export const pageWidthPx = signal(1_280);
export const isNarrow = computed(() => {
  const shares = layout.value.columns.map(({ share }) => share);
  const narrowest = Math.min(...shares) / shares.reduce((sum, share) => sum + share, 0);
  return pageWidthPx.value <= NARROW_MAX_PX || pageWidthPx.value * narrowest < COLUMN_MIN_PX;
});
/** The panel that the user chose on a narrow screen. */
const chosenTab = signal<string | null>(null);
const maximisedId = signal<string | null>(null);
/** The panel that was made visible last, which the page scrolls to. */
export const shownId = signal<string | null>(null);
/** The panels of a narrow screen's tabs, in the order of their kinds. */
export const tabs = computed<readonly PanelInstance[]>(() => {
  const order = PANEL_KINDS.map(({ kind }) => kind);
  return allPanels(layout.value).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
});
/** The panel that a narrow screen shows; undefined if its page has none. */
export const activeTab = computed<PanelInstance | undefined>(() => {
  const wanted = [chosenTab.value, defaultView.value?.panel, placedPanels(layout.value)[0]?.id];
  return wanted.flatMap((id) => tabs.value.find((panel) => panel.id === id) ?? [])[0] ?? tabs.value[0];
});

/** The panel that fills the page for now; undefined if none does. */
export const maximised = computed<PanelInstance | undefined>(() =>
  isNarrow.value ? undefined : placedPanels(layout.value).find(({ id }) => id === maximisedId.value),
);

/** Let a panel fill the page, or none (null). */
export function maximise(id: string | null): void {
  maximisedId.value = id;
}

/** Follow the width of the screen. */
export function followWidth(): void {
  const measure = () => (pageWidthPx.value = innerWidth);
  measure();
  addEventListener("resize", measure);
}

/** Change the layout of the page that is shown. */
export function changeLayout(by: (layout: PanelLayout) => PanelLayout): void {
  const before = layout.value;
  const after = by(before);
  if (after !== before) display.value = pageChanged(display.value, pageIndex.value, () => after);
}

/** Change what a panel of the page shows. */
export function setOptions(id: string, options: PanelOptions): void {
  changeLayout((found) => panelChanged(found, id, { options }));
}

/** Show a panel on a narrow screen. */
export function showTab(id: string): void {
  chosenTab.value = id;
}

/** Make a panel of a kind visible: select its tab, restore it if it was hidden, or add one. */
export function showPanel(kind: string): void {
  const found = allPanels(layout.value).find((panel) => panel.kind === kind);
  if (found === undefined) addPanel(kind);
  else showInstance(found);
}

/** Make a panel of the page visible. */
export function showInstance(panel: PanelInstance): void {
  showTab(panel.id);
  shownId.value = panel.id;
  if (maximisedId.value !== panel.id) maximise(null);
  changeLayout((page) => (panelPosition(page, panel.id) === undefined ? panelShown(page, panel.id) : page));
}

/** Add a panel of a kind to the page; returns its id. */
export function addPanel(kind: string, options?: PanelOptions): string {
  const panel = { ...newPanel(layout.value, kind), ...(options === undefined ? {} : { options }) };
  changeLayout((page) => panelAdded(page, panel));
  showInstance(panel);
  return panel.id;
}
