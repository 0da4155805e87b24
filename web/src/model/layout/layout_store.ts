/** The layout in use: the user's own from this browser, else the instance's default, else the built-in one. */

import { computed, effect, signal } from "@preact/signals";
import { loadLocal, removeLocal, saveLocal } from "../page/local_store";
import { defaultView, user } from "../session/session";
import { DEFAULT_LAYOUT, type PanelId, type PanelLayout, panelPosition, panelShown } from "./layout";
import { layoutOf, parseLayout } from "./layout_file";

const LAYOUT_KEY = "layout";
/** Below this width, in CSS pixels, there is one column, with a tab for each panel. */
export const NARROW_MAX_PX = 760;

export const layout = signal<PanelLayout>(DEFAULT_LAYOUT);
/** The panel that the user chose on a narrow screen. */
const chosenTab = signal<PanelId | null>(null);
/** The panel that a narrow screen shows. */
export const activeTab = computed<PanelId>(() => chosenTab.value ?? defaultView.value?.panel ?? "entities");
/** The layout of a user who has changed nothing. */
const defaultLayout = computed<PanelLayout>(() => defaultLayoutOf(defaultView.value?.layout));
export const isNarrow = signal(false);
/** The error of the last import. */
export const importError = signal("");

/** Load the layout at login, save its changes, and follow the width of the screen. */
export function persistLayout(): void {
  effect(() => {
    if (user.value !== null) layout.value = restoredLayout(loadLocal(LAYOUT_KEY, user.value), defaultLayout.value);
  });
  effect(() => {
    const found = layout.value;
    const name = user.peek();
    if (name === null) return;
    // A user who has changed nothing follows later changes of the instance's default.
    if (found === defaultLayout.peek()) removeLocal(LAYOUT_KEY, name);
    else saveLocal(LAYOUT_KEY, name, found);
  });
  const query = matchMedia(`(max-width: ${NARROW_MAX_PX}px)`);
  isNarrow.value = query.matches;
  query.addEventListener("change", () => (isNarrow.value = query.matches));
}

/** The layout of a stored value; a default if it is not valid. */
export function restoredLayout(value: unknown, otherwise: PanelLayout = DEFAULT_LAYOUT): PanelLayout {
  if (value === undefined) return otherwise;
  try {
    return layoutOf(value);
  } catch {
    return otherwise;
  }
}

/** The layout of an instance's default view; the built-in one if that has none. */
function defaultLayoutOf(value: unknown): PanelLayout {
  return restoredLayout(value ?? undefined);
}

/** Show a panel on a narrow screen. */
export function showTab(id: PanelId): void {
  chosenTab.value = id;
}

/** Make a panel visible: select its tab, or restore it if it was hidden. */
export function showPanel(id: PanelId): void {
  showTab(id);
  if (panelPosition(layout.value, id) === undefined) layout.value = panelShown(layout.value, id);
}

/** Reset to the default layout. */
export function resetLayout(): void {
  layout.value = defaultLayout.value;
}

/** Use the layout of a file's text, or report its error. */
export function importLayout(text: string): void {
  try {
    layout.value = parseLayout(text);
    importError.value = "";
  } catch (error) {
    importError.value = (error as Error).message;
  }
}

/** The layout as the text of a file. */
export function exportLayout(): string {
  return `${JSON.stringify(layout.value, null, 2)}\n`;
}
