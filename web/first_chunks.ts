/**
 * The chunks that a page loads first: as few files as there are connections to load them at once. What the
 * session needs is one, so that it begins before the others are there; what the first view needs besides is
 * another, without what the admin page shares with it.
 */

import { resolve } from "node:path";

const SOURCE = resolve(import.meta.dirname, "src");
const SESSION = resolve(SOURCE, "main.ts");
const PAGE = resolve(SOURCE, "page.tsx");
const ADMIN = resolve(SOURCE, "admin.tsx");

interface Modules {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null;
}

type ChunkOf = (id: string, modules: Modules) => string | null;

/** In this order: a module is in the first group that has it. */
export const FIRST_CHUNKS: readonly { name: ChunkOf }[] = [
  { name: (id, modules) => (isImported(SESSION, id, modules) ? "session" : null) },
  { name: (id, modules) => (isImported(PAGE, id, modules) && isImported(ADMIN, id, modules) ? "shared" : null) },
  { name: (id, modules) => (isImported(PAGE, id, modules) ? "first_view" : null) },
];

const imported = new Map<string, Set<string>>();

/** Whether an entry point imports a module, itself or by others, and not by `import()`. */
function isImported(entry: string, id: string, modules: Modules): boolean {
  if (id === entry) return false;
  let found = imported.get(entry);
  if (found === undefined) {
    found = new Set([entry]);
    for (const one of found) for (const next of modules.getModuleInfo(one)?.importedIds ?? []) found.add(next);
    imported.set(entry, found);
  }
  return found.has(id);
}
