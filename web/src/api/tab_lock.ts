/**
 * Work that only one tab of the browser does at a time. All tabs share one refresh token that is good once: two
 * that used it at the same moment would end the session.
 */

import { scheduler } from "../scheduler";

const LEASE_MS = 5_000;
const RETRY_MS = 50;

/** Run `work` while no other tab runs work of this name. */
export async function inOneTab<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (navigator.locks !== undefined) return (await navigator.locks.request(name, work)) as T;
  // Pages that came over plain http from another machine have no locks.
  const release = await lease(`nova.lock.${name}`);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Write the own name and look again after other tabs had time to overwrite it. */
async function lease(key: string): Promise<() => void> {
  const own = crypto.getRandomValues(new Uint32Array(2)).join("-");
  for (;;) {
    if (!isHeld(key)) {
      localStorage.setItem(key, JSON.stringify({ own, until: Date.now() + LEASE_MS }));
      await pause(RETRY_MS);
      if (holderOf(key) === own) return () => localStorage.removeItem(key);
    }
    await pause(RETRY_MS * (1 + Math.random()));
  }
}

function isHeld(key: string): boolean {
  const held = localStorage.getItem(key);
  return held !== null && (JSON.parse(held) as { until: number }).until > Date.now();
}

function holderOf(key: string): string | undefined {
  const held = localStorage.getItem(key);
  return held === null ? undefined : (JSON.parse(held) as { own: string }).own;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => scheduler.after(ms, resolve));
}
