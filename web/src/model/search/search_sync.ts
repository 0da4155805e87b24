/** Starts what the search follows: the user, the timebase, the connection and the address. */

import { effect, untracked } from "@preact/signals";
import { connection } from "../session/session";
import { loadSavedSearches } from "./saved_searches";
import { searchOpen } from "./search_form";
import { openSearchLink, startSearchLinks } from "./search_link";
import { startSearchSync } from "./searches";

/** Started once; the searches of the address start with the first connection. */
export function startSearching(): void {
  loadSavedSearches();
  startSearchSync();
  let isFirst = true;
  effect(() => {
    if (connection.value !== "open" || !isFirst) return;
    isFirst = false;
    untracked(() => {
      openLink();
      startSearchLinks();
    });
  });
  addEventListener("hashchange", openLink);
}

function openLink(): void {
  if (openSearchLink()) searchOpen.value = true;
}
