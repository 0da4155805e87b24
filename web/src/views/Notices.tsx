/** Notices above the timeline: conflated or missed events, lost ties, streams that have gone, and the toast. */

import {
  conflation,
  conflationText,
  dismissNotices,
  isBehind,
  isNoticeShown,
  missed,
  missedText,
} from "../model/clock/conflation_notice";
import { momentFaults } from "../model/address/url_sync";
import { toast } from "../model/page/toast";
import { GoneStreams } from "./GoneStreams";
import { LateNotice } from "./KnownAt";
import { LinkedView } from "./LinkedView";
import { LostTies } from "./LostTies";
import { OfferedDisplay } from "./OfferedDisplay";
import { SessionEnd } from "./SessionEnd";

export function Notices() {
  return (
    <div class="notes" role="status">
      {conflation.value !== null && isNoticeShown.value && (
        <Notice
          id="behind-note"
          text={`${isBehind.value ? "Behind. " : "Was behind. "}${conflationText(conflation.value)}`}
        />
      )}
      {missed.value !== null && <Notice id="missed-note" text={missedText(missed.value)} />}
      {momentFaults.value.length > 0 && (
        <p class="note-card warn" data-testid="moment-fault">
          {momentFaults.value.join(" ")}
          <button type="button" onClick={() => (momentFaults.value = [])}>
            Dismiss
          </button>
        </p>
      )}
      <SessionEnd />
      <LinkedView />
      <LateNotice />
      <OfferedDisplay />
      <LostTies />
      <GoneStreams />
      {toast.value !== "" && (
        <p class="note-card" data-testid="hint">
          {toast.value}
        </p>
      )}
    </div>
  );
}

function Notice({ id, text }: { id: string; text: string }) {
  return (
    <p class="note-card warn" data-testid={id}>
      {text}
      <button type="button" onClick={dismissNotices}>
        Dismiss
      </button>
    </p>
  );
}
