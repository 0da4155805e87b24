/** Histograms of fields over the span of the panel. */

import { namedEntity } from "../model/entities/entity_names";
import { useMemo } from "preact/hooks";
import { columnOf, fieldsQuery, rowsTrouble, type SeriesRows } from "../model/fields/fields_query";
import { type Histogram as Bins, histogramOf } from "../model/fields/histogram";
import { BINS_DEFAULT, type HistogramOptions } from "../model/kinds/histogram_kind";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import { valueText } from "../model/values/event";
import { unitOf } from "../model/values/units";
import "../kinds.css";
import { Axes } from "./Axes";
import type { PanelProps } from "./later_panel";
import { Empty } from "./Pane";
import { TimedPane } from "./PanelTime";
import { useSpanQuery } from "./use_fields";
import { useSize } from "./use_size";

export function Histograms({ panel, options, change }: PanelProps<HistogramOptions>) {
  const { fields = [], bins = BINS_DEFAULT } = options;
  const query = useSpanQuery(options, (newest) => fieldsQuery(() => ({ fields: newest().fields ?? [], time: newest() })));
  return (
    <TimedPane panel={panel} options={options} change={change} error={query.error.value}>
      {fields.length === 0 ? (
        <Empty>No fields yet. Drag a number here from Latest values or a card, or choose Settings in the menu ⋮.</Empty>
      ) : (
        <div class="histograms">
          {fields.map((field, at) => (
            <OneHistogram key={fieldKey(field)} of={field} rows={query.data.value} bins={bins} colour={at} />
          ))}
        </div>
      )}
    </TimedPane>
  );
}

function OneHistogram({ of, rows, bins, colour }: { of: FieldRef; rows: SeriesRows | null; bins: number; colour: number }) {
  const found = useMemo(() => (rows === null ? null : histogramOf(columnOf(rows, of).values, bins)), [rows, bins, fieldKey(of)]);
  const [element, size] = useSize();
  return (
    <figure class="histogram" data-testid="histogram" data-field={of.field}>
      <figcaption title={fieldKey(of)}>
        <span class="muted">{namedEntity(of.series)}</span> {of.field} <span class="muted">{found !== null && summaryOf(found, of.field)}</span>
        {rows !== null && <span class="muted"> {rowsTrouble(rows)}</span>}
      </figcaption>
      <div class="chart-area" ref={element}>
        {found === null ? <p class="muted">Loading…</p> : found.total === 0 ? <p class="muted">No numbers in this span.</p> : <Bars of={found} size={size} colour={colour} name={of.field} />}
      </div>
    </figure>
  );
}

function Bars({ of, size, colour, name }: { of: Bins; size: { width: number; height: number }; colour: number; name: string }) {
  const high = of.low + of.width * of.counts.length;
  return (
    <Axes size={size} x={{ low: of.low, high }} y={{ low: 0, high: Math.max(...of.counts) * 1.05 }} label={`Histogram of ${name}`}>
      {(place) =>
        of.counts.map((count, bin) => {
          const low = of.low + bin * of.width;
          return (
            <rect
              key={bin}
              class={`histogram-bar fill-${colour}`}
              data-count={count}
              x={place.x(low) + 0.5}
              width={Math.max(1, place.x(low + of.width) - place.x(low) - 1)}
              y={place.y(count)}
              height={place.bottom - place.y(count)}
            >
              <title>{`${count} from ${valueText(low)} up to ${valueText(low + of.width)}`}</title>
            </rect>
          );
        })
      }
    </Axes>
  );
}

function summaryOf({ total, mean, unbounded }: Bins, field: string): string {
  if (total === 0 && unbounded === 0) return "";
  const unit = unitOf(field);
  const others = unbounded === 0 ? "" : `, ${unbounded} not finite`;
  return `${total} values, mean ${valueText(+mean.toPrecision(6))}${unit === undefined ? "" : ` ${unit}`}${others}`;
}
