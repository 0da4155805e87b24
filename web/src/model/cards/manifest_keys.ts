/** What a card manifest says of a key. */

import type { CardManifest, KeySpec } from "../../api/protocol";

/** In allowedKeys: the specification of keys that are not listed. */
export const ANY_KEY = "*";
const PLAIN: KeySpec = { type: "any" };

/** The specification of a key; without a manifest any value is allowed. */
export function manifestKeySpec(manifest: CardManifest | undefined, key: string): KeySpec {
  const all = manifest?.allowedKeys;
  if (all === undefined) return PLAIN;
  if (Object.hasOwn(all, key)) return all[key] as KeySpec;
  return Object.hasOwn(all, ANY_KEY) ? (all[ANY_KEY] as KeySpec) : PLAIN;
}
