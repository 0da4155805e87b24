/** Statistics of the lines of a plot over the visible span. */

import { plotSeries } from "../model/plots/plot_data";
import { fieldSpec, fieldUnit } from "../model/plots/plot_fields";
import { statisticsOf } from "../model/plots/plot_table";
import { fieldKey, type PlotField, type PlotSpec } from "../model/plots/plots";
import { visible } from "../model/timeline/span";
import { formatValue } from "../model/values/format";

const COLUMNS = ["min", "mean", "max", "last"] as const;
/** Means have as many digits as a table has room for. */
const DIGITS = 6;

export function PlotTable({ spec }: { spec: PlotSpec }) {
  return (
    <table class="plot-table" data-testid="plot-table">
      <thead>
        <tr>
          <th scope="col">visible span</th>
          {COLUMNS.map((name) => (
            <th scope="col" key={name}>
              {name}
            </th>
          ))}
          <th scope="col">values</th>
        </tr>
      </thead>
      <tbody>
        {spec.fields.map((field) => (
          <Row key={fieldKey(field)} field={field} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ field }: { field: PlotField }) {
  const found = statisticsOf(field, plotSeries.value, visible.value);
  const spec = fieldSpec(field);
  return (
    <tr data-testid="plot-statistics" data-field={field.field}>
      <th scope="row">
        {spec.title ?? field.field} <span class="unit">{fieldUnit(field)}</span>
      </th>
      {COLUMNS.map((name) => (
        <td key={name} data-name={name}>
          {found === undefined ? "–" : formatValue(Number(found[name].toPrecision(DIGITS)), spec)}
        </td>
      ))}
      <td data-name="count">{found === undefined ? 0 : found.count.toLocaleString("en")}</td>
    </tr>
  );
}
