/** Code that the first view does not need: loaded when a panel that uses it is drawn. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";

const RETRY_MS = 3_000;

export interface Later<Code> {
  /** Null until it is loaded. */
  readonly code: ReadonlySignal<Code | null>;
  /** Why it is not there; it is requested again by itself. */
  readonly trouble: ReadonlySignal<string>;
  readonly load: () => void;
}

/** Code that `load` fetches once; an edge of another version has it under another name. */
export function later<Code>(fetchCode: () => Promise<Code>): Later<Code> {
  const code = signal<Code | null>(null);
  const trouble = signal("");
  let isAsked = false;
  const load = () => {
    if (isAsked) return;
    isAsked = true;
    fetchCode().then(
      (found) => {
        code.value = found;
        trouble.value = "";
      },
      () => {
        isAsked = false;
        trouble.value = "A part of the page could not be loaded. If this stays, reload the page.";
        scheduler.after(RETRY_MS, load);
      },
    );
  };
  return { code, trouble, load };
}
