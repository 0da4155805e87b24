/** What a link shows beside what its sender saw: events that were received since, or that there are none. */

import { forgetKnown, isNewerInView, knownAt, knownFault, lateInView, showAsKnown, showLate } from "../model/address/known_at";
import { READ_MAX_EVENTS } from "../model/events/late_events";
import { formatTime } from "../model/values/time";
import { Fault } from "./LinkedView";

/** The notice of late events. */
export function LateNotice() {
  const found = lateInView.value;
  return (
    <>
      {found !== undefined && found.events.length > 0 && (
        <p class="note-card" data-testid="late-note" title={madeText()}>
          {lateText(found.events.length, found.isWhole)}
          <span class="note-ways">
            <button type="button" data-testid="late-show" onClick={showLate}>
              Show them
            </button>
            <button type="button" data-testid="late-known" title="The state as it was known then, by receive time" onClick={showAsKnown}>
              As it was received then
            </button>
            <button type="button" data-testid="late-dismiss" onClick={forgetKnown}>
              Dismiss
            </button>
          </span>
        </p>
      )}
      <Fault of={knownFault} id="known-fault" />
    </>
  );
}

/** That nothing came late. */
export function KnownChip() {
  const found = lateInView.value;
  if (found === undefined || found.events.length > 0) return null;
  return (
    <span class="muted known" data-testid="known-chip" title={madeText()}>
      {found.isWhole ? knownText() : `nothing late among ${READ_MAX_EVENTS.toLocaleString("en")} events since the link`}
    </span>
  );
}

function lateText(count: number, isWhole: boolean): string {
  const number = `${isWhole ? "" : "At least "}${count.toLocaleString("en")} ${count === 1 ? "event" : "events"}`;
  return `${number} in view ${count === 1 && isWhole ? "was" : "were"} received after this link was made.`;
}

/** Behind the time when it was made, everything in view is newer than the link, which nobody takes for late. */
function knownText(): string {
  return isNewerInView.value ? `as it was known at ${formatTime(knownAt.value ?? "").slice(11, 19)}` : "as it was known when the link was made";
}

function madeText(): string {
  return `When the link was made, the last event had been received at ${formatTime(knownAt.value ?? "")} UTC. Later events are counted if their source time is not after that.`;
}
