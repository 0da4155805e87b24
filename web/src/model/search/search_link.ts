/** The searches in the page's address, so that a link searches for the same. */

import { effect, signal, untracked } from "@preact/signals";
import { hashValues, setHash } from "../address/url_hash";
import { formFault } from "./search_form";
import { readSpec, type SearchSpec } from "./search_spec";
import { newestFirst, SEARCH_SPANS, SEARCHES_MAX, type SearchSpan, searches, searchSpan, startSearches } from "./searches";

const NAME = "find";
/** A link with more would be too long for some programs. */
const LINK_MAX_CHARS = 1_500;

interface LinkedSearch {
  readonly specs: readonly SearchSpec[];
  readonly span: SearchSpan;
  readonly isOldestFirst: boolean;
  /** What of the link is not searched, and why; empty if all is. */
  readonly fault: string;
}

/** What of the link's searches is not searched, for where the form is not in sight; empty if all is. */
export const searchLinkFault = signal("");

/** What is searched, as text; null if nothing is. */
export function searchText(): string | null {
  const specs = searches.value.map(({ spec }) => spec);
  if (specs.length === 0) return null;
  return JSON.stringify({ specs, span: searchSpan.value, ...(newestFirst.value ? {} : { oldest: true }) });
}

/** The value in the address of what is searched; null if nothing is, or it is too long. Then the view has it. */
export function searchLink(): string | null {
  const text = searchText();
  return text === null || text.length > LINK_MAX_CHARS ? null : text;
}

/** Search for what the address names; whether it names something. What has a fault is said in the form. */
export function openSearchLink(): boolean {
  const text = hashValues().get(NAME);
  // The times of the other spans come from the rest of the address.
  if (text === null || (text === searchLink() && searchSpan.value === "archive")) return false;
  openSearches(text);
  return true;
}

/** Search for what a text of `searchText` names. */
export function openSearches(text: string): void {
  const { specs, span, isOldestFirst, fault } = linkedSearch(text);
  [formFault.value, searchLinkFault.value] = [fault, fault];
  if (specs.length === 0) return;
  searchSpan.value = span;
  newestFirst.value = !isOldestFirst;
  startSearches(specs);
}

/** Keep the address at what is searched. */
export function startSearchLinks(): void {
  effect(() => {
    const value = searchLink();
    untracked(() => setHash({ [NAME]: value }));
  });
}

function linkedSearch(text: string): LinkedSearch {
  const { specs, span = "archive", oldest } = parsed(text);
  const isOldestFirst = oldest === true;
  if (!Array.isArray(specs) || specs.length === 0) {
    return notSearched("its “find” is no list of searches, or was cut off. Copy the whole link again.");
  }
  if (!Object.hasOwn(SEARCH_SPANS, String(span))) {
    return notSearched(`its span has to be one of ${Object.keys(SEARCH_SPANS).join(", ")}.`);
  }
  const read = specs.map(readSpec);
  const valid = read.filter((one) => typeof one !== "string");
  const faults = read.filter((one) => typeof one === "string");
  if (valid.length === 0) return notSearched(faults[0] as string);
  const words = [];
  if (faults.length > 0) words.push(`${faults.length} of the ${specs.length} searches of the link cannot be searched: ${faults[0]}`);
  if (valid.length > SEARCHES_MAX) {
    words.push(`The link has ${valid.length} searches, and ${SEARCHES_MAX} at once are the most: the others are left out.`);
  }
  return { specs: valid.slice(0, SEARCHES_MAX), span: span as SearchSpan, isOldestFirst, fault: words.join(" ") };
}

function notSearched(why: string): LinkedSearch {
  return { specs: [], span: "archive", isOldestFirst: false, fault: `The search of the link cannot be started: ${why}` };
}

function parsed(text: string): { specs?: unknown; span?: unknown; oldest?: unknown } {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
