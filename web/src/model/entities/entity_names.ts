/** Names of entities on the screen: the unique ID, and where several have it, as much of the path as distinguishes them. */

import { computed } from "@preact/signals";
import { type Entity, entityKey } from "../values/event";
import { entities } from "./entities";

/** Scope, system, container, unique ID. */
const PATH_PARTS = 4;

let last: ReadonlyMap<string, string> = new Map();

/** The names of all entities that are listed. The map stays the same while the names do, so that nothing is redrawn. */
const names = computed<ReadonlyMap<string, string>>(() => {
  const found = namesOf((entities.value ?? []).map(entityKey));
  const isSame = found.size === last.size && [...found].every(([key, name]) => last.get(key) === name);
  if (!isSame) last = found;
  return last;
});

/** The name of an entity. */
export function entityName(of: Entity): string {
  return names.value.get(entityKey(of)) ?? of.uniqueId;
}

/** The name of an entity that a display names: its path where it is not listed, as one that a user may not see. */
export function namedEntity(of: Entity): string {
  return names.value.get(entityKey(of)) ?? (names.value.size === 0 ? of.uniqueId : entityKey(of));
}

/** The shortest ends of paths that no other path has. */
export function namesOf(paths: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  let left = [...new Set(paths)];
  for (let parts = 1; parts <= PATH_PARTS && left.length > 0; parts++) {
    const ends = left.map((path): [string, string] => [path, path.split("/").slice(-parts).join("/")]);
    const counts = new Map<string, number>();
    for (const [, end] of ends) counts.set(end, (counts.get(end) ?? 0) + 1);
    for (const [path, end] of ends) if (counts.get(end) === 1) found.set(path, end);
    left = left.filter((path) => !found.has(path));
  }
  return found;
}
