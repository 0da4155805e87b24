/** The storage of a browser with several tabs, for tests: the test is the other tab. */

import { vi } from "vitest";

const values = new Map<string, string>();
const listeners: ((event: { key: string | null }) => void)[] = [];

vi.stubGlobal("localStorage", {
  getItem: (key: string) => values.get(key) ?? null,
  setItem: (key: string, text: string) => values.set(key, text),
  removeItem: (key: string) => values.delete(key),
});
vi.stubGlobal("addEventListener", (name: string, listener: (event: { key: string | null }) => void) => {
  if (name === "storage") listeners.push(listener);
});

/** What is stored under a key. */
export function stored(key: string): unknown {
  return JSON.parse(values.get(key) ?? "null");
}

/** Another tab stores a value, of which this one has not heard yet. */
export function store(key: string, value: unknown): void {
  values.set(key, JSON.stringify(value));
}

/** Another tab stores a value, and this one hears of it. */
export function storeInOtherTab(key: string, value: unknown): void {
  store(key, value);
  for (const listener of listeners) listener({ key });
}

export function clearTabs(): void {
  values.clear();
}
