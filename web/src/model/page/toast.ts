/** A short word on what was just asked for; it goes by itself. */

import { signal } from "@preact/signals";

const SHOWN_MS = 4_000;

export const toast = signal("");

let timer: ReturnType<typeof setTimeout> | undefined;

/** Say something for a few seconds; the empty text takes it back. */
export function showToast(text: string): void {
  clearTimeout(timer);
  toast.value = text;
  if (text !== "") timer = setTimeout(() => (toast.value = ""), SHOWN_MS);
}
