/** The theme, dark by default; the choice is stored in this browser. */

import { effect, signal } from "@preact/signals";

export type Theme = "dark" | "light";

const KEY = "nova.theme";

export const theme = signal<Theme>(localStorage.getItem(KEY) === "light" ? "light" : "dark");

/** Switch to the other theme. */
export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme.value);
}

/** Apply the chosen theme to the page. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}
