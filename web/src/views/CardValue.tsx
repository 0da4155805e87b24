/** One value of a card, coloured as the Core judges it, with its unit; and ages, which update themselves. */

import { verdictOf } from "../model/alarms/card_alarms";
import { limitsText } from "../model/alarms/limit_texts";
import type { Card } from "../model/cards/card";
import { keySpec } from "../model/cards/card";
import { isStalled } from "../model/clock/clock";
import { clockSecondMs } from "../model/entities/entities";
import { formatValue, keyUnit, NO_VALUE } from "../model/values/format";
import { formatTime, shortAge, toMs } from "../model/values/time";

/** A value with its unit; a dash if there is none. */
export function CardValue({ card, name }: { card: Card; name: string }) {
  const cell = card.cells.get(name);
  const spec = keySpec(card, name);
  const text = cell === undefined ? NO_VALUE : formatValue(cell.value, spec);
  const verdict = cell === undefined ? undefined : verdictOf(card, name);
  const unit = text === NO_VALUE ? "" : keyUnit(name, spec);
  return (
    <span class={`value-text ${verdict ?? ""}`} title={limitsText(spec) || undefined} data-verdict={verdict}>
      {text}
      {unit !== "" && <span class="unit"> {unit}</span>}
      {(verdict === "warning" || verdict === "critical") && <span class="sr-only"> {verdict}</span>}
    </span>
  );
}

/** The age of a time against the clock; named stale if its view is. */
export function CardAge({ time, isStale = false }: { time: string; isStale?: boolean }) {
  // The clock stands although it should move: how old the value is by now is not known.
  if (isStalled.value) return <span class="age" title="not known: no answer" data-testid="card-age">?</span>;
  const ms = clockSecondMs.value - Math.floor(toMs(time) / 1000) * 1000;
  return (
    <span class={`age ${isStale ? "stale" : ""}`} title={`${formatTime(time)} UTC`} data-testid="card-age">
      {isStale && "stale "}
      {shortAge(ms)}
    </span>
  );
}
