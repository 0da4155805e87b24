/** Card manifests as of the clock: the specifications of a view's keys, and the layout of its card. */

import { signal } from "@preact/signals";
import type { CardManifest, KeySpec, Layout } from "../../api/protocol";
import { cursor, state, timebase } from "../clock/clock";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";
import { ANY_KEY, manifestKeySpec } from "./manifest_keys";

export type { CardManifest, KeySpec };

/** Number of keys on a shield if the manifest names none. */
const SHIELD_MAX_KEYS = 3;
/** Most fields of one sample request. A card with more sparklines would not be readable. */
const SPARKLINES_MAX = 16;

/** A group of rows of a card. */
export interface RowGroup {
  title: string;
  keys: readonly string[];
}

/** By manifestId and version. */
export const manifests = signal<ReadonlyMap<string, CardManifest>>(new Map());

let requestCount = 0;
let reading: Promise<void> = Promise.resolve();

/** Request the manifests as of the clock. */
export function refreshManifests(): Promise<void> {
  reading = readAtClock();
  return reading;
}

/** Resolves when the manifests that were requested last are there, or are not to be had. */
export function untilManifests(): Promise<void> {
  return reading.catch(() => undefined);
}

async function readAtClock(): Promise<void> {
  const mine = ++requestCount;
  const isCurrent = () => mine === requestCount;
  const found = await readManifests(state.value === "LIVE" ? {} : { time: cursor.value }, isCurrent);
  if (isCurrent()) manifests.value = found;
}

/** All manifests as of a time; of the present if none is given. It ends early if they are no longer wanted. */
export async function readManifests(at: { time?: string }, isWanted: () => boolean): Promise<ReadonlyMap<string, CardManifest>> {
  const found: CardManifest[] = [];
  let page: { time?: string; afterKey?: string } = at;
  for (let isMore = true; isMore && isWanted(); ) {
    const asks = { type: "discover", timebase: timebase.value, limit: 1, ...page } as const;
    const reply = await request(asks, "discoverResponse");
    found.push(...(reply.manifests ?? []));
    // Manifests come before entities, so the first page with an entity completes them.
    isMore = reply.nextKey != null && reply.entities.length === 0;
    page = { time: reply.time, ...(reply.nextKey == null ? {} : { afterKey: reply.nextKey }) };
  }
  return byName(found);
}

/** Apply manifests that are published while time runs forwards. */
export function applyManifests(events: readonly StoredEvent[]): void {
  const found = events.flatMap((event) => manifestOfEvent(event) ?? []);
  if (found.length > 0) manifests.value = new Map([...manifests.value, ...byName(found)]);
}

/** Clear all when the user changes. */
export function clearManifests(): void {
  requestCount++;
  manifests.value = new Map();
}

/** The manifest that a view's updates name; undefined if it is not published. */
export function manifestOf(
  all: ReadonlyMap<string, CardManifest>,
  of: { manifestId: string; manifestVersion: string },
): CardManifest | undefined {
  return all.get(manifestKey(of));
}

function byName(all: readonly CardManifest[]): Map<string, CardManifest> {
  return new Map(all.map((one) => [manifestKey(one), one]));
}

function manifestKey(of: { manifestId: string; manifestVersion: string }): string {
  return `${of.manifestId} ${of.manifestVersion}`;
}

/** The manifest in a ManifestPublished event, whose title is part of the layout; undefined for other events. */
export function manifestOfEvent(event: StoredEvent): CardManifest | undefined {
  if (event.lane !== "metadata" || event.messageType !== "ManifestPublished") return undefined;
  const { manifestId, manifestVersion, viewId, entityType } = event as unknown as CardManifest;
  const { title, ...layout } = (event["layout"] ?? {}) as Layout & { title?: string };
  const actions = Object.entries((event["actions"] ?? {}) as Record<string, object>);
  return {
    ...{ manifestId, manifestVersion, viewId, entityType },
    title: title ?? manifestId,
    allowedKeys: event["allowedKeys"] as Record<string, KeySpec>,
    layout,
    actions: actions.map(([commandType, action]) => ({ commandType, ...action })) as CardManifest["actions"] & object,
  };
}

/** The title of a key. */
export function keyTitle(manifest: CardManifest | undefined, key: string): string {
  return manifestKeySpec(manifest, key).title ?? key;
}

/** The keys of the shield: those that the manifest names, else the first of the card. */
export function shieldKeys(manifest: CardManifest | undefined, known: readonly string[]): readonly string[] {
  const named = manifest?.layout?.shield ?? [];
  if (named.length > 0) return named;
  return rowGroups(manifest, known).flatMap(({ keys }) => keys).slice(0, SHIELD_MAX_KEYS);
}

/**
 * The rows of a card: the manifest's groups, else all keys. Keys without a group follow, and so do keys
 * that have limits, so that no violation is hidden.
 */
export function rowGroups(manifest: CardManifest | undefined, known: readonly string[]): readonly RowGroup[] {
  const named = (manifest?.layout?.card ?? []).map(({ title, rows }) => ({ title: title ?? "", keys: rows }));
  const shown = new Set(named.flatMap(({ keys }) => keys));
  const allowed = Object.keys(manifest?.allowedKeys ?? {}).filter((key) => key !== ANY_KEY);
  const isWanted = (key: string) =>
    named.length === 0 || !allowed.includes(key) || manifestKeySpec(manifest, key).limits != null;
  const rest = [...new Set([...allowed, ...known])].filter((key) => !shown.has(key) && isWanted(key));
  return rest.length === 0 ? named : [...named, { title: named.length === 0 ? "" : "Other", keys: rest }];
}

/** The keys with a sparkline: those that the manifest names, else all numbers. */
export function sparklineKeys(manifest: CardManifest | undefined, numbers: readonly string[]): readonly string[] {
  const isOpen = Object.keys(manifest?.allowedKeys ?? {}).every((key) => key === ANY_KEY);
  return (isOpen ? numbers : (manifest?.layout?.sparklines ?? [])).slice(0, SPARKLINES_MAX);
}
