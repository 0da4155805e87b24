/** What a link shows beside what its sender saw: events that were received since, or that there are none. */

import { forgetKnown, isLateUnknown, isNewerInView, knownAt, knownFault, lateAskedAt, lateInView, showAsKnown, showLate } from "../model/address/known_at";
import { READ_MAX_EVENTS } from "../model/events/late_events";
import { formatTime, fromMs, shortTime } from "../model/values/time";
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
            <button type="button" data-testid="late-known" title={receivedText()} onClick={showAsKnown}>
              Go to receive time {knownTime()}
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
  if (found === undefined || found.events.length > 0 || isLateUnknown.value) return null;
  return (
    <span class="muted known" data-testid="known-chip" title={madeText()}>
      asked {askedTime()}: {found.isWhole ? knownText() : `nothing late among ${READ_MAX_EVENTS.toLocaleString("en")} events since the link`}
    </span>
  );
}

function lateText(count: number, isWhole: boolean): string {
  const number = `${isWhole ? "" : "At least "}${count.toLocaleString("en")} ${count === 1 ? "event" : "events"}`;
  return `${number} in view ${count === 1 && isWhole ? "was" : "were"} received after this link was made.`;
}

/** Behind the time when it was made, everything in view is newer than the link, which nobody takes for late. */
function knownText(): string {
  return isNewerInView.value ? `as it was known at ${knownTime()}` : "as it was known when the link was made";
}

function knownTime(): string {
  return shortTime(knownAt.value ?? "", now());
}

function askedTime(): string {
  return shortTime(lateAskedAt.value ?? now(), now());
}

function now(): string {
  return fromMs(Date.now());
}

function receivedText(): string {
  return (
    `Changes the clock to receive time ${formatTime(knownAt.value ?? "")} UTC, when the last event of the link had been received. ` +
    "Nothing that was received later is there. The timeline shows what was received around that time, the panels what had been received last by then; T returns to source time."
  );
}

function madeText(): string {
  return (
    `When the link was made, the last event had been received at ${formatTime(knownAt.value ?? "")} UTC. Later events are counted if their source time is not after that. ` +
    `The archive was asked at ${formatTime(lateAskedAt.value ?? now())} UTC; it is asked again when the clock or the span moves.`
  );
}
