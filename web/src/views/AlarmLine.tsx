/** Below a value that is out of limits: since when, who has acknowledged it, or the button to do so. */

import { acknowledge, refusalOf, underway, underwayKey } from "../model/acknowledging";
import type { Alarm } from "../model/alarms";
import { keySpec } from "../model/card";
import { clockSecondMs } from "../model/entities";
import { breach, limitsInWords } from "../model/limits";
import { timeIn } from "../model/order";
import { readable, toMs } from "../model/time";
import { ageText } from "./Reading";

export function AlarmLine({ alarm }: { alarm: Alarm }) {
  const { card, out, acknowledged } = alarm;
  const spec = keySpec(card, out.key);
  const words = breach(card.cells.get(out.key)?.value, spec);
  return (
    <tr class={`alarm-line ${out.severity}`} data-testid="alarm-line" data-key={out.key} data-severity={out.severity}>
      <td colSpan={4}>
        <div class="alarm-told">
          <span class="alarm-words" title={limitsInWords(spec)}>
            <strong>{out.severity}</strong> {words} <Since alarm={alarm} />
          </span>
          {acknowledged === undefined ? (
            <Button alarm={alarm} />
          ) : (
            <span class="alarm-by" data-testid="alarm-by" title={`${readable(acknowledged.canonicalTruthTime)} UTC`}>
              ✓ {acknowledged.user}
            </span>
          )}
        </div>
      </td>
    </tr>
  );
}

function Since({ alarm }: { alarm: Alarm }) {
  const excursion = alarm.out.excursion;
  if (excursion === undefined) return <span class="muted">since …</span>;
  const { since, order, isKnown } = excursion;
  const ms = Math.max(1_000, clockSecondMs.value - toMs(timeIn(order)));
  return (
    <span title={`since ${isKnown ? "" : "before "}${readable(since)} UTC by the source`} data-testid="alarm-since" data-since={since}>
      {isKnown ? "for" : "for more than"} {ageText(ms)}
    </span>
  );
}

function Button({ alarm }: { alarm: Alarm }) {
  const reason = refusalOf(alarm);
  const isUnderway = underway.value.has(underwayKey(alarm));
  const name = `Acknowledge ${alarm.out.severity} of ${alarm.card.view.uniqueId} ${alarm.out.key}`;
  return (
    <button
      type="button"
      class="acknowledge"
      aria-label={reason === "" ? name : `${name}: ${reason}`}
      aria-disabled={reason !== "" || isUnderway}
      title={reason || undefined}
      data-testid="acknowledge"
      onClick={() => !isUnderway && void acknowledge(alarm)}
    >
      {isUnderway ? "…" : "Acknowledge"}
    </button>
  );
}
