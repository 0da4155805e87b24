/** Searches that a user has saved under a name, in this browser: an edge keeps nothing of that kind. */

import { effect, signal } from "@preact/signals";
import { followLocal, loadLocal, saveLocal } from "../page/local_store";
import { user } from "../session/session";
import { type SearchSpec, specOf } from "./search_spec";
import { searches, startSearches } from "./searches";

export interface SavedSearch {
  readonly name: string;
  readonly specs: readonly SearchSpec[];
}

const SAVED_KEY = "searches";
export const SAVED_MAX = 100;
export const NAME_MAX_CHARS = 80;

export const savedSearches = signal<readonly SavedSearch[]>([]);

/** Load those of the user at login, and what other tabs save or delete. */
export function followSavedSearches(): void {
  effect(() => {
    if (user.value !== null) savedSearches.value = savedOf(loadLocal(SAVED_KEY, user.value));
  });
  followLocal(SAVED_KEY, (value) => (savedSearches.value = savedOf(value)));
}

/** The stored searches that are valid. */
export function savedOf(value: unknown): SavedSearch[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const { name, specs } = (one ?? {}) as Record<string, unknown>;
    const valid = specsOf(specs);
    return typeof name === "string" && name !== "" && valid.length > 0 ? [{ name, specs: valid }] : [];
  });
}

/** The valid ones of a list of searches. */
function specsOf(value: unknown): SearchSpec[] {
  return Array.isArray(value) ? value.map(specOf).filter((one) => one !== undefined) : [];
}

/** Save the searches that were started under a name, in place of those of that name; returns why not. */
export function saveSearches(name: string): string | undefined {
  const trimmed = name.trim().slice(0, NAME_MAX_CHARS);
  const specs = searches.value.map(({ spec }) => spec);
  if (trimmed === "") return "Type a name for the search.";
  if (specs.length === 0) return "Search first: what is searched is then saved.";
  const others = storedSearches().filter((one) => one.name !== trimmed);
  if (others.length >= SAVED_MAX) return `${SAVED_MAX} saved searches are the most: delete one.`;
  store([...others, { name: trimmed, specs }].sort((one, other) => one.name.localeCompare(other.name)));
  return undefined;
}

export function deleteSaved(name: string): void {
  store(storedSearches().filter((one) => one.name !== name));
}

/** Search for what was saved. */
export function runSaved(name: string): void {
  const found = savedSearches.value.find((one) => one.name === name);
  if (found !== undefined) startSearches(found.specs);
}

/** What is stored at this moment: another tab may have written. A browser that refuses to store has what the page knows. */
function storedSearches(): readonly SavedSearch[] {
  const stored = user.value === null ? undefined : loadLocal(SAVED_KEY, user.value);
  return stored === undefined ? savedSearches.value : savedOf(stored);
}

function store(saved: readonly SavedSearch[]): void {
  savedSearches.value = saved;
  if (user.value !== null) saveLocal(SAVED_KEY, user.value, saved);
}
