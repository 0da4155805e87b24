/** What this browser keeps for a user: JSON under names of NOVA's own. */

/** A kept value; undefined where there is none, or none that can be read. */
export function loadLocal(name: string, user: string): unknown {
  try {
    const text = localStorage.getItem(keyOf(name, user));
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Keep a value; a browser that keeps nothing (private, full) is no error. */
export function saveLocal(name: string, user: string, value: unknown): void {
  try {
    localStorage.setItem(keyOf(name, user), JSON.stringify(value));
  } catch {
    // What is shown is right all the same; only the next visit begins anew.
  }
}

/** Keep a value no longer. */
export function removeLocal(name: string, user: string): void {
  try {
    localStorage.removeItem(keyOf(name, user));
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

function keyOf(name: string, user: string): string {
  return `nova.${name}.${user}`;
}
