/** The URL's hash as named values; writing is throttled, and names that a writer does not know stay. */

import { scheduler } from "../../scheduler";

/** Browsers refuse more than a few changes of the address a second. */
const PACE_MS = 500;

const pendingValues = new Map<string, string | null>();
const pace = scheduler.slot();

/** The values in the address, with those that are about to be written; by name, so that one moment
 * has one address however it was reached. */
export function hashValues(): URLSearchParams {
  const values = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const [name, value] of pendingValues) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  values.sort();
  return values;
}

/** Write values, soon; null takes one away. */
export function setHash(values: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(values)) pendingValues.set(name, value);
  pace.startIfIdle(PACE_MS, flushHash);
}

/** Write what waits, now: before the address is copied. */
export function flushHash(): void {
  pace.cancel();
  const text = hashText(hashValues());
  pendingValues.clear();
  if (text !== location.hash.replace(/^#/, "")) history.replaceState(history.state, "", `#${text}`);
}

/** Forget what waits: the address was changed by a person. */
export function discardPendingHash(): void {
  pendingValues.clear();
}

/** As a text that people can read: colons need no escape in a hash. */
export function hashText(values: URLSearchParams): string {
  return values.toString().replaceAll("%3A", ":").replaceAll("%7E", "~");
}
