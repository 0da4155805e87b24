/** A short word on what was just asked for; it goes by itself. */

import { signal } from "@preact/signals";
import { scheduler } from "../../scheduler";

const SHOWN_MS = 4_000;

export const toast = signal("");

const hiding = scheduler.slot();

/** Say something for a few seconds; the empty text takes it back. */
export function showToast(text: string): void {
  hiding.cancel();
  toast.value = text;
  if (text !== "") hiding.restart(SHOWN_MS, () => (toast.value = ""));
}
