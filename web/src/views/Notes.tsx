/** Notes above the timeline: what this browser did not get, and short words on what was asked. */

import { behind, behindInWords, dismiss, isBehind, isNoted, missed, missedInWords } from "../model/behind";
import { hint } from "../model/hint";

export function Notes() {
  return (
    <div class="notes" role="status">
      {behind.value !== null && isNoted.value && (
        <Note
          id="behind-note"
          text={`${isBehind.value ? "Behind. " : "Was behind. "}${behindInWords(behind.value)}`}
        />
      )}
      {missed.value !== null && <Note id="missed-note" text={missedInWords(missed.value)} />}
      {hint.value !== "" && (
        <p class="note-card" data-testid="hint">
          {hint.value}
        </p>
      )}
    </div>
  );
}

function Note({ id, text }: { id: string; text: string }) {
  return (
    <p class="note-card warn" data-testid={id}>
      {text}
      <button type="button" onClick={dismiss}>
        Dismiss
      </button>
    </p>
  );
}
