/** The API keys of the edge: credentials of programs. A secret is shown once. */

import { signal } from "@preact/signals";
import type { AddKey, KeyInfo } from "../../api/protocol";
import { reportInto } from "../page/error_signal";
import { request } from "../session/session";
import { toMs } from "../values/time";
import { showSecret } from "./admin_dialog";

export type NewKey = Omit<AddKey, "type" | "ref">;

/** By name; null until they have arrived. */
export const keys = signal<readonly KeyInfo[] | null>(null);
export const keysError = signal("");

export function refreshKeys(): Promise<void> {
  return reportInto(keysError, async () => {
    keys.value = (await request({ type: "listKeys" }, "keysResponse")).keys;
  });
}

/** Add a key and show its secret; throws an Error that can be shown. */
export async function addKey(key: NewKey): Promise<void> {
  const reply = await request({ type: "addKey", ...key }, "keyChanged");
  const others = (keys.value ?? []).filter(({ name }) => name !== key.name);
  const all = reply.key == null ? others : [...others, reply.key];
  keys.value = all.sort((left, right) => (left.name < right.name ? -1 : 1));
  showSecret("key", key.name, reply.secret);
}

/** Revoke a key; programs that use it are disconnected. */
export async function revokeKey(name: string): Promise<void> {
  await request({ type: "revokeKey", name }, "keyChanged");
  keys.value = (keys.value ?? []).filter((key) => key.name !== name);
}

export function isExpired(key: KeyInfo, nowMs: number): boolean {
  return key.expiresAt != null && toMs(key.expiresAt) <= nowMs;
}
