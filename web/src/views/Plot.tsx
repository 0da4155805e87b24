/** One plot: mean lines in their bands over the timeline's span, with the clock's time marked. */

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { cursorMs } from "../model/clock/clock";
import { latest } from "../model/entities/latest";
import { later } from "../model/page/later";
import { theme } from "../model/page/theme";
import { valuesAt } from "../model/plots/plot_columns";
import { plotSeries, plotSeriesOf } from "../model/plots/plot_data";
import {
  activePlot,
  fieldKey,
  type PlotField,
  plots,
  type PlotSpec,
  removeField,
  removePlot,
} from "../model/plots/plots";
import { numberAt, sampledKey, seriesNameKey } from "../model/plots/sampling";
import { alarmsOfEntities } from "../model/timeline/markers";
import { visible } from "../model/timeline/span";
import { markers } from "../model/timeline/timeline_data";
import { entityKey, valueText } from "../model/values/event";
import { formatTime, fromMs } from "../model/values/time";
import { unitOf } from "../model/values/units";
import { LoadNotice } from "./Pane";

/** The library of charts, which a page without plots does not need. */
const charting = later(() => import("../model/plots/chart"));

export function Plot({ spec }: { spec: PlotSpec }) {
  const isActive = activePlot.value === spec.id && plots.value.length > 1;
  const [hoverMs, setHover] = useState<number | null>(null);
  return (
    <section
      class={`plot ${isActive ? "active" : ""}`}
      aria-label="Plot"
      data-testid="plot"
      data-part={spec.id}
      onPointerDown={() => (activePlot.value = spec.id)}
      onFocusIn={() => (activePlot.value = spec.id)}
    >
      <PlotLegend spec={spec} hoverMs={hoverMs} />
      <LoadNotice text={charting.trouble.value} />
      {spec.fields.length === 0 ? (
        <p class="plot-empty muted">
          Empty plot. Press <span class="key">∿</span> beside a number in Latest values, drag a number here, or choose “Add field”.
        </p>
      ) : (
        <PlotCanvas key={`${theme.value} ${spec.fields.map(fieldKey).join("|")}`} fields={spec.fields} hover={setHover} />
      )}
    </section>
  );
}

function PlotLegend({ spec, hoverMs }: { spec: PlotSpec; hoverMs: number | null }) {
  return (
    <div class="plot-legend">
      <ul>
        {spec.fields.map((field, index) => (
          <li key={fieldKey(field)} data-testid="plot-line" data-field={field.field}>
            <span class={`plot-swatch colour-${index}`} aria-hidden="true" />
            <span class="legend-name" title={fieldKey(field)}>
              <span class="muted">{field.series.uniqueId}</span> {field.field}
            </span>
            <FieldValue field={field} hoverMs={hoverMs} />
            <button
              type="button"
              class="icon"
              aria-label={`Remove ${field.field} from the plot`}
              onClick={() => removeField(spec.id, field)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <time class="muted">{hoverMs === null ? "" : formatTime(fromMs(hoverMs))}</time>
      <button type="button" class="icon" aria-label="Remove this plot" data-testid="remove-plot" onClick={() => removePlot(spec.id)}>
        ✕
      </button>
    </div>
  );
}

/** A field's value at the pointer, else at the clock. */
function FieldValue({ field, hoverMs }: { field: PlotField; hoverMs: number | null }) {
  const now = hoverMs === null ? valueNow(field) : undefined;
  if (now !== undefined) return <Value value={now} field={field} title="" />;
  const found = plotSeriesOf(field);
  if (found === undefined) return <span class="reading muted">…</span>;
  if (found.buckets.unknown?.includes(field.field) === true) {
    return (
      <span class="reading muted" title="No event of this series has the field, at any time, or you may not see it" data-testid="plot-unknown">
        unknown
      </span>
    );
  }
  const at = valuesAt(found.buckets, field.field, hoverMs ?? cursorMs.value);
  if (at === undefined) return <span class="reading muted">–</span>;
  const isMany = at.count > 1 && at.min !== at.max;
  const title = isMany ? `mean of ${at.count} values from ${valueText(at.min)} to ${valueText(at.max)}` : "";
  return <Value value={at.mean} field={field} title={title} />;
}

function Value({ value, field, title }: { value: number; field: PlotField; title: string }) {
  return (
    <span class="reading" title={title}>
      {valueText(value)} <span class="unit">{unitOf(field.field)}</span>
    </span>
  );
}

/** The exact value at the clock, which is known only for the selected entity. */
function valueNow(field: PlotField): number | undefined {
  const key = seriesNameKey(field.series);
  const event = [...latest.value.values()].find((one) => sampledKey(one) === key);
  return event === undefined ? undefined : numberAt(event, field.field);
}

function PlotCanvas({ fields, hover }: { fields: readonly PlotField[]; hover: (ms: number | null) => void }) {
  const element = useRef<HTMLDivElement>(null);
  const code = charting.code.value;
  useEffect(charting.load, []);
  useEffect(() => {
    if (code === null) return;
    const chart = new code.Chart(element.current as HTMLElement, fields, hover);
    const entities = new Set(fields.map(({ series }) => entityKey(series)));
    const ends = [
      effect(() => chart.setAlarms(alarmsOfEntities(markers.value, entities))),
      effect(() => chart.setSeries(plotSeries.value)),
      effect(() => chart.setSpan(visible.value)),
      effect(() => chart.setCursor(cursorMs.value)),
    ];
    return () => {
      for (const end of ends) end();
      chart.destroy();
    };
  }, [code]);
  return (
    <div
      class="canvas"
      ref={element}
      role="img"
      aria-label={`${fields.map(({ field }) => field).join(", ")} over the visible span`}
      data-testid="plot-canvas"
    />
  );
}
