/** Opens a message beside its frame. The clock does not move. */

import { isFrameShown } from "../model/events/frame_fields";
import { inspectedEvent } from "../model/events/inspector";
import { showPanel } from "../model/layout/layout_store";
import type { StoredEvent } from "../model/values/event";

export function FrameButton({ event }: { event: StoredEvent }) {
  const show = () => {
    [isFrameShown.value, inspectedEvent.value] = [true, event];
    showPanel("inspector");
  };
  return (
    <button
      type="button"
      class="link"
      title="The frame of this message, and where its fields are in it"
      data-testid="show-frame"
      onClick={show}
    >
      frame
    </button>
  );
}
