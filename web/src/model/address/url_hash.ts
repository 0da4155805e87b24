/** The URL's hash as named values. Writes are throttled; values under names that are not written are kept. */

import { scheduler } from "../../scheduler";

/** Browsers refuse more than a few changes of the address a second. */
const PACE_MS = 500;

const pendingValues = new Map<string, string | null>();
const pace = scheduler.slot();

/** The values in the address merged with the pending ones, sorted by name, so that one moment
 * has one address, whichever way it was reached. */
export function hashValues(): URLSearchParams {
  const values = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const [name, value] of pendingValues) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  values.sort();
  return values;
}

/** Schedule a write of values; null removes one. */
export function setHash(values: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(values)) pendingValues.set(name, value);
  pace.startIfIdle(PACE_MS, flushHash);
}

/** Write pending values at once, before the address is copied. */
export function flushHash(): void {
  pace.cancel();
  const text = hashText(hashValues());
  pendingValues.clear();
  if (text !== location.hash.replace(/^#/, "")) history.replaceState(history.state, "", `#${text}`);
}

/** Drop pending values, because a person has changed the address. */
export function discardPendingHash(): void {
  pendingValues.clear();
}

/** The hash as readable text: colons need no escape in a hash. */
export function hashText(values: URLSearchParams): string {
  return values.toString().replaceAll("%3A", ":").replaceAll("%7E", "~");
}
