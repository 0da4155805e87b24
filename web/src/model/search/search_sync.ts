/** Starts what the search follows: the user, the address with its timebase, and whether the Core answers. */

import { effect, untracked } from "@preact/signals";
import { isMomentShown } from "../address/url_sync";
import { timebase } from "../clock/clock";
import { followSavedSearches } from "./saved_searches";
import { searchOpen } from "./search_form";
import { openSearchLink, startSearchLinks } from "./search_link";
import { followCore, followUser, searchAgain } from "./searches";

/** Started once. */
export function startSearching(): void {
  followSavedSearches();
  followUser();
  followCore();
  followAddress();
}

/** A link starts one search, over what it says: when its moment is shown. So does another timebase, as times differ. */
function followAddress(): void {
  let base = timebase.value;
  let [isFirst, isOpened] = [true, true];
  effect(() => {
    const isOtherBase = timebase.value !== base;
    if (!isMomentShown.value) {
      isOpened = true;
      return;
    }
    const isLink = isOpened;
    [base, isOpened] = [timebase.value, false];
    untracked(() => {
      if (isLink && openSearchLink()) searchOpen.value = true;
      else if (isOtherBase) searchAgain();
      if (isFirst) startSearchLinks();
    });
    isFirst = false;
  });
}
