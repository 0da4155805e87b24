/** The value of a field at the clock, coloured as the Core judges it, with its unit. */

import { limitsText } from "../model/alarms/limit_texts";
import { type FieldReading, readingText, readingUnit } from "../model/fields/field_reading";
import { Status } from "./Status";

export function FieldReadingText({ reading, field }: { reading: FieldReading; field: string }) {
  const { verdict, spec, isStale } = reading;
  const unit = readingUnit(reading, field);
  return (
    <>
      {isStale && <Status verdict="stale" />}
      <span class={`value-text ${verdict ?? ""}`} title={limitsText(spec) || undefined} data-verdict={verdict} data-testid="field-value">
        {readingText(reading)}
        {unit !== "" && <span class="unit"> {unit}</span>}
        {(verdict === "warning" || verdict === "critical") && <span class="sr-only"> {verdict}</span>}
      </span>
    </>
  );
}
