/** The search: its form, what is searched, and the matches. It stands beside the panels, so that the timeline stays in reach. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { timebase } from "../model/clock/clock";
import { editSpec, searchOpen } from "../model/search/search_form";
import { specText } from "../model/search/search_spec";
import {
  allMatches,
  isSearching,
  MATCHES_MAX,
  removeSearch,
  type Search,
  searches,
  stepMatch,
  stopSearches,
} from "../model/search/searches";
import "../search.css";
import { MatchList } from "./MatchList";
import { SavedSearches } from "./SavedSearches";
import { SearchForm, SearchKinds } from "./SearchForm";

export function SearchPanel() {
  const panel = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    panel.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => before?.focus();
  }, []);
  return (
    <section class="search-panel" ref={panel} aria-label="Search" data-testid="search" onKeyDown={onKeyDown}>
      <div class="search-head">
        <h2>Search</h2>
        <SearchKinds />
        <span class="spacer" />
        <SavedSearches />
        <button type="button" class="icon" aria-label="Close the search" data-testid="search-close" onClick={close}>
          ×
        </button>
      </div>
      <SearchForm />
      <Started />
      <MatchList />
    </section>
  );
}

function close(): void {
  searchOpen.value = false;
}

/** Escape closes from everywhere in the panel; the page's shortcuts must not use keys that operate a button. */
function onKeyDown(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.key === "Escape") {
    close();
    event.preventDefault();
    event.stopPropagation();
  } else if ((event.key === " " || event.key === "Enter") && target.closest("button, summary, label") !== null) {
    event.stopPropagation();
  }
}

/** What is searched, how far it is, and the ways on from there. */
function Started() {
  if (searches.value.length === 0) return null;
  return (
    <div class="search-started">
      <ul>
        {searches.value.map((one) => (
          <OneSearch key={one.number} search={one} />
        ))}
      </ul>
      <div class="search-steps">
        <button type="button" data-testid="match-previous" title="Previous match (key P)" onClick={() => stepMatch("previous")}>
          ‹ Previous
        </button>
        <button type="button" data-testid="match-next" title="Next match (key N)" onClick={() => stepMatch("next")}>
          Next ›
        </button>
        <span class="muted" role="status" data-testid="match-count">
          {allMatches.value.length.toLocaleString("en")} {allMatches.value.length === 1 ? "match" : "matches"} by{" "}
          {timebase.value === "source" ? "source" : "receive"} time
        </span>
        {isSearching.value && (
          <button type="button" data-testid="search-stop" onClick={stopSearches}>
            Stop
          </button>
        )}
      </div>
    </div>
  );
}

function OneSearch({ search }: { search: Search }) {
  const { number, spec, state, matches } = search;
  return (
    <li class={`search-one ${state}`} data-testid="search-one" data-state={state} data-matches={matches.length}>
      <div class="search-line">
        <span class={`search-dot colour-${number % 8}`} aria-hidden="true" />
        <button type="button" class="link" title="Put it into the form" onClick={() => editSpec(spec)}>
          {specText(spec)}
        </button>
        <span class="muted search-state">{stateText(search)}</span>
        <button type="button" class="icon" aria-label={`Remove the search ${specText(spec)}`} onClick={() => removeSearch(number)}>
          ×
        </button>
      </div>
      {state === "running" && <progress max={1} value={search.progress} aria-label="Searched" />}
      <Note search={search} />
    </li>
  );
}

function stateText({ state, progress, matches }: Search): string {
  const count = matches.length.toLocaleString("en");
  if (state === "running") return `${Math.floor(progress * 100)} %, ${count}`;
  if (state === "stopped") return `stopped at ${Math.floor(progress * 100)} %, ${count}`;
  return state === "failed" ? "failed" : count;
}

/** A sentence; errors come without the stop. */
function ended(words: string): string {
  return words.endsWith(".") ? words : `${words}.`;
}

function Note({ search: { isCut, note, isUnanswered } }: { search: Search }) {
  const failed = isUnanswered ? "It is searched again when the Core answers." : "";
  const cut = isCut ? `Only ${MATCHES_MAX.toLocaleString("en")} matches are kept: search a shorter span, or narrow the condition.` : "";
  const words = [note, cut, failed].filter((one) => one !== "").map(ended).join(" ");
  if (words === "") return null;
  return (
    <p class="search-note" role="status" data-testid="search-note">
      {words}
    </p>
  );
}
