/** Toasts: short messages that hide after a few seconds. */

import { signal } from "@preact/signals";
import { scheduler } from "../../scheduler";

const SHOWN_MS = 4_000;

export const toast = signal("");

const hiding = scheduler.slot();

/** Show a toast; the empty text hides it. */
export function showToast(text: string): void {
  hiding.cancel();
  toast.value = text;
  if (text !== "") hiding.restart(SHOWN_MS, () => (toast.value = ""));
}
