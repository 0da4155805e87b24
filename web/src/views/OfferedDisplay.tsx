/** Notice that somebody has saved another version of the display on the screen. */

import { isDisplayChanged } from "../model/displays/open_display";
import { dismissOffered, offeredVersion, openDisplay } from "../model/displays/stored_displays";
import { formatTime } from "../model/values/time";

export function OfferedDisplay() {
  const info = offeredVersion.value;
  if (info === undefined) return null;
  const when = info.saved == null ? "" : ` at ${formatTime(info.saved).slice(0, 19)} UTC`;
  return (
    <p class="note-card" data-testid="offered-display">
      {info.name} was changed by {info.savedBy ?? "somebody"}
      {when}.{isDisplayChanged.value && " Your changes are not saved: to load it drops them."}
      <span class="note-ways">
        <button type="button" data-testid="offered-load" onClick={() => void openDisplay(info.displayId)}>
          Load
        </button>
        <button type="button" data-testid="offered-dismiss" onClick={dismissOffered}>
          Dismiss
        </button>
      </span>
    </p>
  );
}
