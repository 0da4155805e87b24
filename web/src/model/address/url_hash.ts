/** The URL's hash as named values. Writes are throttled; values under names that are not written are kept. */

import { scheduler } from "../../scheduler";

/** Browsers refuse more than a few changes of the address a second. */
const PACE_MS = 500;

const pendingValues = new Map<string, string | null>();
const pace = scheduler.slot();
/** The address that this page knows. A person changes it before the page hears of it. */
let knownHash: string | undefined;

/** The values in the address merged with the pending ones, sorted by name, so that one moment
 * has one address, whichever way it was reached. */
export function hashValues(): URLSearchParams {
  const values = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const [name, value] of isChangedByPerson() ? [] : pendingValues) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  values.sort();
  return values;
}

/** Schedule a write of values; null removes one. Nothing is written over an address that a person
 * has changed and the page has not opened yet. */
export function setHash(values: Readonly<Record<string, string | null>>): void {
  if (isChangedByPerson()) return;
  for (const [name, value] of Object.entries(values)) pendingValues.set(name, value);
  pace.startIfIdle(PACE_MS, flushHash);
}

/** Write pending values at once, before the address is copied. */
export function flushHash(): void {
  pace.cancel();
  if (isChangedByPerson()) return;
  const text = hashText(hashValues());
  pendingValues.clear();
  if (text !== location.hash.replace(/^#/, "")) history.replaceState(history.state, "", `#${text}`);
  knownHash = location.hash;
}

/** Take the address as it is, and drop pending values. */
export function acceptHash(): void {
  pendingValues.clear();
  knownHash = location.hash;
}

function isChangedByPerson(): boolean {
  knownHash ??= location.hash;
  return location.hash !== knownHash;
}

/** The hash as readable text: what needs no escape in a hash has none. */
export function hashText(values: URLSearchParams): string {
  return values.toString().replaceAll("%3A", ":").replaceAll("%7E", "~").replaceAll("%2F", "/");
}
