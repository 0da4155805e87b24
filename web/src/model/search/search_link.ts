/** The searches in the page's address, so that a link searches for the same. */

import { effect, untracked } from "@preact/signals";
import { hashValues, setHash } from "../address/url_hash";
import { specsOf } from "./saved_searches";
import { newestFirst, SEARCH_SPANS, type SearchSpan, searches, searchSpan, startSearches } from "./searches";

const NAME = "find";
/** A link with more would be too long for some programs. */
const LINK_MAX_CHARS = 1_500;

interface LinkedSearch {
  specs: unknown;
  span?: unknown;
  oldest?: unknown;
}

/** The value in the address of what is searched; null if nothing is, or it is too long. */
export function searchLink(): string | null {
  const specs = searches.value.map(({ spec }) => spec);
  if (specs.length === 0) return null;
  const text = JSON.stringify({ specs, span: searchSpan.value, ...(newestFirst.value ? {} : { oldest: true }) });
  return text.length > LINK_MAX_CHARS ? null : text;
}

/** Search for what the address names; whether it names something. */
export function openSearchLink(): boolean {
  const text = hashValues().get(NAME);
  if (text === null || text === searchLink()) return false;
  const found = parsed(text);
  const specs = specsOf(found?.specs);
  if (found === undefined || specs.length === 0) return false;
  if (Object.hasOwn(SEARCH_SPANS, String(found.span))) searchSpan.value = found.span as SearchSpan;
  newestFirst.value = found.oldest !== true;
  startSearches(specs);
  return true;
}

/** Keep the address at what is searched. */
export function startSearchLinks(): void {
  effect(() => {
    const value = searchLink();
    untracked(() => setHash({ [NAME]: value }));
  });
}

function parsed(text: string): LinkedSearch | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as LinkedSearch) : undefined;
  } catch {
    return undefined;
  }
}
