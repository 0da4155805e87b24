/** A short word on what was just asked for; it goes by itself. */

import { signal } from "@preact/signals";

const SHOWN_MS = 4_000;

export const hint = signal("");

let timer: ReturnType<typeof setTimeout> | undefined;

/** Say something for a few seconds; the empty text takes it back. */
export function say(text: string): void {
  clearTimeout(timer);
  hint.value = text;
  if (text !== "") timer = setTimeout(() => (hint.value = ""), SHOWN_MS);
}
