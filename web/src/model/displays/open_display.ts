/** The display on the screen: the user's own from this browser, else the instance's default, else the built-in one. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { loadLocal, removeLocal, saveLocal } from "../page/local_store";
import { defaultView, user } from "../session/session";
import { expectObject } from "../values/json_check";
import { BUILT_IN, type Display, onePage } from "./display";
import { displayJson, displayOf, displayText, parseDisplay } from "./display_file";
import { displayOfStored, displayOfView } from "./former_display";

const DISPLAY_KEY = "display";
/** Where earlier versions stored the layout and the plots. */
const FORMER_KEYS = ["layout", "plots"] as const;

/** The stored display that the one on the screen is a copy of. */
export interface DisplaySource {
  displayId: string;
  version: number;
  /** Its text, by which changes are noticed. */
  text: string;
}

export const display = signal<Display>(onePage("Default", BUILT_IN));
/** Null for a display that is in this browser alone. */
export const displaySource = signal<DisplaySource | null>(null);
/** Whether the display has changes that are not saved. */
export const isDisplayChanged = computed(() => displaySource.value !== null && displaySource.value.text !== displayText(display.value));
/** The default that the edge has for this user; null if it has none. */
export const edgeDefault = signal<{ display: Display; source: DisplaySource } | null>(null);
/** The page of the display that is shown. */
export const pageIndex = signal(0);
/** The display of a user who has changed nothing. */
const defaultDisplay = computed<Display>(() => edgeDefault.value?.display ?? displayOfView(defaultView.value));
/** Why the last display that was to be shown is not; empty after another one is. */
export const displayRefusal = signal("");

/** Load the display at login, and save its changes in the browser. */
export function persistDisplay(): void {
  effect(() => {
    if (user.value !== null) showKept(user.value, defaultDisplay.value);
  });
  effect(() => {
    void [display.value, displaySource.value];
    const name = user.peek();
    if (name !== null) keepDisplay(name);
  });
}

/** Store the display for a user. Who has changed nothing follows later changes of the instance's default. */
export function keepDisplay(name: string): void {
  if (display.peek() === defaultDisplay.peek()) removeLocal(DISPLAY_KEY, name);
  else saveLocal(DISPLAY_KEY, name, { display: displayJson(display.peek()), source: displaySource.peek() });
  for (const key of FORMER_KEYS) removeLocal(key, name);
}

/** Whether the user has changed nothing. */
export function isDefaultDisplay(): boolean {
  return display.value === defaultDisplay.value;
}

/** Show a display: of the edge, or (null) one that is in this browser alone. */
export function showDisplay(shown: Display, source: DisplaySource | null, page = 0): void {
  batch(() => {
    displayRefusal.value = "";
    putDisplay(shown, source, page);
  });
}

function putDisplay(shown: Display, source: DisplaySource | null, page = 0): void {
  batch(() => {
    [display.value, displaySource.value] = [shown, source];
    pageIndex.value = Math.min(page, shown.pages.length - 1);
  });
}

/** Show what the browser keeps for a user, else the default. */
function showKept(name: string, otherwise: Display): void {
  const stored = loadLocal(DISPLAY_KEY, name);
  const page = untracked(() => pageIndex.value);
  try {
    if (stored !== undefined) {
      const { display: kept, source } = expectObject(stored, "display");
      putDisplay(displayOf(kept, "keep"), sourceOf(source), page);
      return;
    }
    const [layout, plots] = FORMER_KEYS.map((key) => loadLocal(key, name));
    const former = displayOfStored(layout, plots, defaultView.peek());
    if (former !== undefined) {
      putDisplay(former, null);
      return;
    }
  } catch {
    // A display that cannot be read is as good as none.
  }
  putDisplay(otherwise, edgeDefault.peek()?.source ?? null, page);
}

function sourceOf(value: unknown): DisplaySource | null {
  const { displayId, version, text } = (value ?? {}) as Partial<DisplaySource>;
  if (typeof displayId !== "string" || typeof version !== "number" || typeof text !== "string") return null;
  return { displayId, version, text };
}

/** Reset to the default display. */
export function resetDisplay(): void {
  showDisplay(defaultDisplay.value, edgeDefault.value?.source ?? null);
}

/** Use the display of a file's text, or report its error. */
export function importDisplay(text: string): void {
  try {
    showDisplay(parseDisplay(text), null);
  } catch (error) {
    displayRefusal.value = `The display was not imported. ${(error as Error).message}`;
  }
}

/** The display as the text of a file. */
export function exportDisplay(): string {
  return displayText(display.value);
}
