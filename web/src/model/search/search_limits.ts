/** What is said of times that were not searched: a search was cut, stopped, or failed there, or is underway. */

import { compareTimes } from "../values/time";
import { textFilters } from "./search_spec";
import type { Search } from "./searches";

const NOTHING_FOUND = "No matches. Search a longer span, or loosen the condition.";

/** The words for an empty list of matches; “no matches” only if all was searched. */
export function nothingText(searches: readonly Search[]): string {
  const has = (state: Search["state"]) => searches.some((one) => one.state === state);
  if (has("running")) return "Searching…";
  if (has("failed")) return `${nameOf(searches)} failed before anything was found: there may be matches.`;
  if (has("stopped")) return `${nameOf(searches)} was stopped before anything was found: there may be matches in the rest.`;
  return NOTHING_FOUND;
}

/** The words when the list has no match on one side of a time. */
export function noMatchText(searches: readonly Search[], time: string, direction: "next" | "previous"): string {
  const side = direction === "next" ? "later" : "earlier";
  const short = searches.find((one) => !isSearchedBeside(one, time, direction));
  if (short === undefined) return `There is no ${side} match.`;
  if (short.isCut) return `The list was cut there: there may be ${side} matches beyond those that are kept. Search a shorter span.`;
  if (short.state === "running") return `No ${side} match is found yet: the search is underway.`;
  return `The search ${short.state === "failed" ? "failed" : "was stopped"} there: there may be ${side} matches.`;
}

/** Whether all of the search's times on one side of a time were searched. */
function isSearchedBeside({ asked, isCut, reached, spec, state }: Search, time: string, direction: "next" | "previous"): boolean {
  if (state === "complete" && !isCut) return true;
  const searchesFrom = asked.reverse === true ? "next" : "previous";
  // Parts of the archive are searched one after the other: those behind were not looked at.
  if (searchesFrom !== direction || reached === undefined || (spec.kind === "text" && textFilters(spec).length > 1)) return false;
  const order = compareTimes(time, reached);
  return direction === "next" ? order >= 0 : order <= 0;
}

function nameOf(searches: readonly Search[]): string {
  return searches.length === 1 ? "The search" : "A search";
}
