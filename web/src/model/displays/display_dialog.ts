/** The dialog of displays, and what it does to the pages of the one on the screen. */

import { signal } from "@preact/signals";
import { type Display, pageAdded, pageRemoved } from "./display";
import { display, displaySource, isDefaultDisplay, isDisplayChanged, pageIndex } from "./open_display";
import { listDisplays } from "./stored_displays";

export const displaysOpen = signal(false);

/** Open the dialog, with the list as it is now. */
export function openDisplays(): void {
  displaysOpen.value = true;
  void listDisplays();
}

/** Add a page, and show it. */
export function addPage(): void {
  changeDisplay(pageAdded);
  pageIndex.value = display.value.pages.length - 1;
}

/** Remove a page. */
export function removePage(page: number): void {
  changeDisplay((found) => pageRemoved(found, page));
  pageIndex.value = Math.min(pageIndex.value, display.value.pages.length - 1);
}

export function changeDisplay(by: (display: Display) => Display): void {
  display.value = by(display.value);
}

/** Whether another display in its place would take changes with it that are nowhere else. */
export function hasUnsaved(): boolean {
  return displaySource.value === null ? !isDefaultDisplay() : isDisplayChanged.value;
}
