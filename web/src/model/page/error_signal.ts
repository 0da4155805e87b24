/** Errors of requests as the text of a signal. */

import type { Signal } from "@preact/signals";

/** Do work; its error's text goes into the signal, and its success clears it. */
export async function reportInto(error: Signal<string>, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    error.value = "";
  } catch (failure) {
    error.value = (failure as Error).message;
  }
}
