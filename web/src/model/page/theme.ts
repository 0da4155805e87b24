/** The theme: that of the system, until a person chooses another in this browser. */

import { effect, signal } from "@preact/signals";

export type Theme = "dark" | "light";

const KEY = "nova.theme";

const LIGHT = "(prefers-color-scheme: light)";

export const theme = signal<Theme>(chosenTheme() ?? systemTheme());

function chosenTheme(): Theme | undefined {
  const chosen = localStorage.getItem(KEY);
  return chosen === "light" || chosen === "dark" ? chosen : undefined;
}

function systemTheme(): Theme {
  return matchMedia(LIGHT).matches ? "light" : "dark";
}

/** Switch to the other theme. */
export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme.value);
}

/** Apply the theme to the page, and follow the system's while none is chosen. */
export function applyTheme(): void {
  matchMedia(LIGHT).addEventListener("change", () => (theme.value = chosenTheme() ?? systemTheme()));
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}
