/** The layout in use: the user's own, kept in this browser, else the instance's, else the common one. */

import { computed, effect, signal } from "@preact/signals";
import { forget, keep, kept } from "./kept";
import { DEFAULT_LAYOUT, type Layout, type PanelId, placeOf, shown } from "./layout";
import { layoutOf, parseLayout } from "./layout_file";
import { defaultView, user } from "./session";

const NAME = "layout";
/** Below this width, in CSS pixels, there is one column with a tab for each panel. */
export const NARROW_MAX_PX = 760;

export const layout = signal<Layout>(DEFAULT_LAYOUT);
/** The panel that a narrow screen shows, once its user has chosen one. */
const chosenTab = signal<PanelId | null>(null);
/** The panel that a narrow screen shows. */
export const tab = computed<PanelId>(() => chosenTab.value ?? defaultView.value?.panel ?? "entities");
/** What a user sees who has moved nothing. */
const opening = computed<Layout>(() => openingOf(defaultView.value?.layout));
export const narrow = signal(false);
/** What was wrong with the last import. */
export const importError = signal("");

/** Bring back the layout of whoever logs in, keep what becomes of it, and follow the screen's width. */
export function keepLayout(): void {
  effect(() => {
    if (user.value !== null) layout.value = restored(kept(NAME, user.value), opening.value);
  });
  effect(() => {
    const found = layout.value;
    const name = user.peek();
    if (name === null) return;
    // Who has moved nothing gets what the instance says then, also the next time.
    if (found === opening.peek()) forget(NAME, name);
    else keep(NAME, name, found);
  });
  const query = matchMedia(`(max-width: ${NARROW_MAX_PX}px)`);
  narrow.value = query.matches;
  query.addEventListener("change", () => (narrow.value = query.matches));
}

/** The layout of a kept value; another where it is none. */
export function restored(value: unknown, otherwise: Layout = DEFAULT_LAYOUT): Layout {
  if (value === undefined) return otherwise;
  try {
    return layoutOf(value);
  } catch {
    return otherwise;
  }
}

/** The layout of an instance's default view; the common one where it has none. */
function openingOf(value: unknown): Layout {
  return restored(value ?? undefined);
}

/** Have a narrow screen show a panel. */
export function showTab(id: PanelId): void {
  chosenTab.value = id;
}

/** Have a panel in sight: its tab, or its place if it was put away. */
export function showPanel(id: PanelId): void {
  showTab(id);
  if (placeOf(layout.value, id) === undefined) layout.value = shown(layout.value, id);
}

/** As it was at first. */
export function resetLayout(): void {
  layout.value = opening.value;
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
