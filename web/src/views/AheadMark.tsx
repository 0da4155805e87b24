/** The mark of an event that is dated ahead of now. */

import { useComputed } from "@preact/signals";
import { timebase } from "../model/clock/clock";
import { isDatedAhead } from "../model/clock/dated_ahead";
import { latestNow } from "../model/timeline/timeline_data";
import type { StoredEvent } from "../model/values/event";

export function AheadMark({ event }: { event: Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime"> }) {
  const isMarked = useComputed(() => isDatedAhead(event, latestNow.value, timebase.value));
  if (!isMarked.value) return null;
  return (
    <span class="ahead-mark" title="Its source time is later than now" data-testid="ahead-mark">
      dated ahead
    </span>
  );
}
