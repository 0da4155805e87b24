/** One value of a card, coloured by its limits, with its unit; and ages, which go on by themselves. */

import type { Card } from "../model/card";
import { keySpec } from "../model/card";
import { clockSecondMs } from "../model/entities";
import { freshness } from "../model/freshness";
import { isOut, limitsInWords, verdictOf } from "../model/limits";
import { NOTHING, readingOf, unitFor } from "../model/reading";
import { age, readable, toMs } from "../model/time";

/** A value with its unit; where nothing is known of it yet, a dash. */
export function Reading({ card, name }: { card: Card; name: string }) {
  const cell = card.cells.get(name);
  const spec = keySpec(card, name);
  const text = cell === undefined ? NOTHING : readingOf(cell.value, spec);
  const verdict = cell === undefined ? undefined : verdictOf(cell.value, spec);
  const unit = text === NOTHING ? "" : unitFor(name, spec);
  return (
    <span class={`value-text ${verdict ?? ""}`} title={limitsInWords(spec) || undefined} data-verdict={verdict}>
      {text}
      {unit !== "" && <span class="unit"> {unit}</span>}
      {isOut(verdict) && <span class="sr-only"> {verdict}</span>}
    </span>
  );
}

/** How old a time is against the clock; coloured where it is not fresh. */
export function Age({ time }: { time: string }) {
  const ms = clockSecondMs.value - Math.floor(toMs(time) / 1000) * 1000;
  return (
    <span class={`age ${freshness(ms)}`} title={`${readable(time)} UTC`} data-testid="card-age">
      {ageText(ms)}
    </span>
  );
}

/** An age in few letters. */
export function ageText(ms: number): string {
  return ms < 1_000 ? "now" : age(ms).replace(".0", "");
}
