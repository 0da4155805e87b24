/** Notices of a link: that its view is not the own one, and what of it is not shown. */

import type { Signal } from "@preact/signals";
import { dropLinkedView, isLinkedView, keepLinkedView, viewFault } from "../model/address/view_link";
import { searchLinkFault } from "../model/search/search_link";

export function LinkedView() {
  return (
    <>
      {isLinkedView.value && (
        <p class="note-card" data-testid="linked-view">
          Layout and plots are those of the link. Your own are kept.
          <span class="note-ways">
            <button type="button" data-testid="linked-keep" onClick={keepLinkedView}>
              Keep these
            </button>
            <button type="button" data-testid="linked-drop" onClick={dropLinkedView}>
              Show my own
            </button>
          </span>
        </p>
      )}
      <Fault of={viewFault} id="link-fault" />
      <Fault of={searchLinkFault} id="search-link-fault" />
    </>
  );
}

export function Fault({ of, id }: { of: Signal<string>; id: string }) {
  if (of.value === "") return null;
  return (
    <p class="note-card warn" data-testid={id}>
      {of.value}
      <button type="button" onClick={() => (of.value = "")}>
        Dismiss
      </button>
    </p>
  );
}
