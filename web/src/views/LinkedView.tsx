/** Notices of a link: that its view is not the own one, and what of it is not shown. */

import { dropLinkedView, isLinkedView, keepLinkedView, viewFault } from "../model/address/view_link";

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
      {viewFault.value !== "" && (
        <p class="note-card warn" data-testid="link-fault">
          {viewFault.value}
          <button type="button" onClick={() => (viewFault.value = "")}>
            Dismiss
          </button>
        </p>
      )}
    </>
  );
}
