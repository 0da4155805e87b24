/** Per-user JSON values in localStorage. */

import { user } from "../session/session";

/** Values that stay as they are stored, while the page shows those of somebody else's link. */
let held: ReadonlySet<string> = new Set();

/** Neither store nor remove values of these names, until others are named. */
export function holdLocal(names: ReadonlySet<string>): void {
  held = names;
}

/** A stored value; undefined if there is none, or it cannot be read. */
export function loadLocal(name: string, user: string): unknown {
  try {
    const text = localStorage.getItem(keyOf(name, user));
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Store a value. A browser that refuses (private mode, quota) is no error. */
export function saveLocal(name: string, user: string, value: unknown): void {
  if (held.has(name)) return;
  try {
    localStorage.setItem(keyOf(name, user), JSON.stringify(value));
  } catch {
    // The page works without storage; the next visit starts with the default.
  }
}

/** Remove a value. */
export function removeLocal(name: string, user: string): void {
  if (held.has(name)) return;
  try {
    localStorage.removeItem(keyOf(name, user));
  } catch {
    // A browser without storage has nothing to remove.
  }
}

/** Call back when another tab has stored a value, with what is stored now. */
export function followLocal(name: string, heard: (value: unknown) => void): void {
  addEventListener("storage", ({ key }: StorageEvent) => {
    const whose = user.value;
    // Without a key, all was cleared.
    if (whose !== null && (key === null || key === keyOf(name, whose))) heard(loadLocal(name, whose));
  });
}

function keyOf(name: string, user: string): string {
  return `nova.${name}.${user}`;
}
