/** The mark of an event that is dated ahead of now. */

import { useComputed } from "@preact/signals";
import { isAhead } from "../model/ahead";
import type { StoredEvent } from "../model/event";
import { now } from "../model/overview";
import { timebase } from "../model/timeline";

export function AheadMark({ event }: { event: Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime"> }) {
  const isMarked = useComputed(() => isAhead(event, now.value, timebase.value));
  if (!isMarked.value) return null;
  return (
    <span class="ahead-mark" title="Its producer has given it a time that has not come yet" data-testid="ahead-mark">
      dated ahead
    </span>
  );
}
