/** The URL's hash as named values; writing is throttled, and names that a writer does not know stay. */

/** Browsers refuse more than a few changes of the address a second. */
const PACE_MS = 500;

const waiting = new Map<string, string | null>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** The values in the address, with those that are about to be written; by name, so that one moment
 * has one address however it was reached. */
export function hashValues(): URLSearchParams {
  const values = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const [name, value] of waiting) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  values.sort();
  return values;
}

/** Write values, soon; null takes one away. */
export function putHash(values: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(values)) waiting.set(name, value);
  timer ??= setTimeout(writeHash, PACE_MS);
}

/** Write what waits, now: before the address is copied. */
export function writeHash(): void {
  clearTimeout(timer);
  timer = undefined;
  const text = textOf(hashValues());
  waiting.clear();
  if (text !== location.hash.replace(/^#/, "")) history.replaceState(history.state, "", `#${text}`);
}

/** Forget what waits: the address was changed by a person. */
export function dropHash(): void {
  waiting.clear();
}

/** As a text that people can read: colons need no escape in a hash. */
export function textOf(values: URLSearchParams): string {
  return values.toString().replaceAll("%3A", ":").replaceAll("%7E", "~");
}
