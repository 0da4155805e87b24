/** The layout in use: kept per user in this browser, exported and imported as a file. */

import { effect, signal } from "@preact/signals";
import { kept, keep } from "./kept";
import { DEFAULT_LAYOUT, type Layout, type PanelId, placeOf, shown } from "./layout";
import { layoutOf, parseLayout } from "./layout_file";
import { user } from "./session";

const NAME = "layout";
/** Below this width, in CSS pixels, there is one column with a tab for each panel. */
export const NARROW_MAX_PX = 760;

export const layout = signal<Layout>(DEFAULT_LAYOUT);
/** The panel that a narrow screen shows. */
export const tab = signal<PanelId>("entities");
export const narrow = signal(false);
/** What was wrong with the last import. */
export const importError = signal("");

/** Bring back the layout of whoever logs in, keep what becomes of it, and follow the screen's width. */
export function keepLayout(): void {
  effect(() => {
    if (user.value !== null) layout.value = restored(kept(NAME, user.value));
  });
  effect(() => {
    const found = layout.value;
    const name = user.peek();
    if (name !== null) keep(NAME, name, found);
  });
  const query = matchMedia(`(max-width: ${NARROW_MAX_PX}px)`);
  narrow.value = query.matches;
  query.addEventListener("change", () => (narrow.value = query.matches));
}

/** The layout of a kept value; the default where it is none. */
export function restored(value: unknown): Layout {
  if (value === undefined) return DEFAULT_LAYOUT;
  try {
    return layoutOf(value);
  } catch {
    return DEFAULT_LAYOUT;
  }
}

/** Have a panel in sight: its tab, or its place if it was put away. */
export function showPanel(id: PanelId): void {
  tab.value = id;
  if (placeOf(layout.value, id) === undefined) layout.value = shown(layout.value, id);
}

/** As it was at first. */
export function resetLayout(): void {
  layout.value = DEFAULT_LAYOUT;
}

/** Take the layout of a file's text, or say what is wrong with it. */
export function importLayout(text: string): void {
  try {
    layout.value = parseLayout(text);
    importError.value = "";
  } catch (error) {
    importError.value = (error as Error).message;
  }
}

/** The layout as a file's text. */
export function exportLayout(): string {
  return `${JSON.stringify(layout.value, null, 2)}\n`;
}
