/** A table of fields: value, unit and age of each at the clock. */

import { namedEntity } from "../model/entities/entity_names";
import type { TableOptions } from "../model/kinds/table_kind";
import { readingOf, readingTitle } from "../model/fields/field_reading";
import { seriesEventsError } from "../model/fields/field_values";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import "../kinds.css";
import { CardAge } from "./CardValue";
import { FieldReadingText } from "./FieldReadingText";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { useWatched } from "./use_fields";

export function FieldTable({ panel, options: { fields = [] } }: PanelProps<TableOptions>) {
  useWatched(fields);
  return (
    <Pane id={panel.id}>
      <ErrorNotice text={seriesEventsError.value} />
      {fields.length === 0 ? (
        <Empty>No fields yet. Drag a value here from Latest values or a card, or choose Settings in the menu ⋮.</Empty>
      ) : (
        <div class="field-table" tabIndex={0} role="region" aria-label="Table of fields">
          <table class="values">
            <thead class="sr-only">
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Value</th>
                <th scope="col">Age</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((field) => (
                <Row key={fieldKey(field)} of={field} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Pane>
  );
}

function Row({ of }: { of: FieldRef }) {
  const reading = readingOf(of);
  return (
    <tr data-testid="table-row" data-field={of.field}>
      <th scope="row" title={fieldKey(of)}>
        {namedEntity(of.series)} <strong>{readingTitle(reading, of.field)}</strong>
      </th>
      <td class="number">
        <FieldReadingText reading={reading} field={of.field} />
      </td>
      <td class="field-age">{reading.value !== undefined && reading.time !== undefined && <CardAge time={reading.time} isStale={reading.isStale} />}</td>
    </tr>
  );
}
