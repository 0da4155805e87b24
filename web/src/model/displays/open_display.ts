/** The display on the screen: the user's own from this browser, else the instance's default, else the built-in one. */

import { computed, effect, signal } from "@preact/signals";
import { loadLocal, removeLocal, saveLocal } from "../page/local_store";
import { defaultView, user } from "../session/session";
import { BUILT_IN, type Display, onePage } from "./display";
import { displayJson, displayOf, displayText, parseDisplay } from "./display_file";
import { displayOfStored, displayOfView } from "./former_display";

const DISPLAY_KEY = "display";
/** Where earlier versions stored the layout and the plots. */
const FORMER_KEYS = ["layout", "plots"] as const;

export const display = signal<Display>(onePage("Default", BUILT_IN));
/** The page of the display that is shown. */
export const pageIndex = signal(0);
/** The display of a user who has changed nothing. */
const defaultDisplay = computed<Display>(() => displayOfView(defaultView.value));
/** The error of the last import. */
export const importError = signal("");

/** Load the display at login, and save its changes in the browser. */
export function persistDisplay(): void {
  effect(() => {
    if (user.value !== null) [display.value, pageIndex.value] = [restored(user.value, defaultDisplay.value), 0];
  });
  effect(() => {
    void display.value;
    const name = user.peek();
    if (name !== null) keepDisplay(name);
  });
}

/** Store the display for a user. Who has changed nothing follows later changes of the instance's default. */
export function keepDisplay(name: string): void {
  if (display.peek() === defaultDisplay.peek()) removeLocal(DISPLAY_KEY, name);
  else saveLocal(DISPLAY_KEY, name, displayJson(display.peek()));
  for (const key of FORMER_KEYS) removeLocal(key, name);
}

/** Whether the user has changed nothing. */
export function isDefaultDisplay(): boolean {
  return display.value === defaultDisplay.value;
}

function restored(name: string, otherwise: Display): Display {
  const stored = loadLocal(DISPLAY_KEY, name);
  if (stored === undefined) {
    const [layout, plots] = FORMER_KEYS.map((key) => loadLocal(key, name));
    return displayOfStored(layout, plots, defaultView.peek()) ?? otherwise;
  }
  try {
    return displayOf(stored, "keep");
  } catch {
    return otherwise;
  }
}

/** Reset to the default display. */
export function resetDisplay(): void {
  [display.value, pageIndex.value] = [defaultDisplay.value, 0];
}

/** Use the display of a file's text, or report its error. */
export function importDisplay(text: string): void {
  try {
    [display.value, pageIndex.value] = [parseDisplay(text), 0];
    importError.value = "";
  } catch (error) {
    importError.value = (error as Error).message;
  }
}

/** The display as the text of a file. */
export function exportDisplay(): string {
  return displayText(display.value);
}
