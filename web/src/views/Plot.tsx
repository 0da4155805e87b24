/** One plot: mean lines in their bands over the timeline's span, with the clock's time marked. */

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { limitsText } from "../model/alarms/limit_texts";
import { cursorMs } from "../model/clock/clock";
import { ageBeats, seriesAge, sourceKey } from "../model/entities/entity_ages";
import { entityName } from "../model/entities/entity_names";
import { latest } from "../model/entities/latest";
import { later } from "../model/page/later";
import { theme } from "../model/page/theme";
import type { ChartLine } from "../model/plots/chart_options";
import { valuesAt } from "../model/plots/plot_columns";
import { plotSeries, plotSeriesOf } from "../model/plots/plot_data";
import { fieldSpec, fieldUnit, fieldVerdict, limitLines } from "../model/plots/plot_fields";
import { activePlot, fieldKey, type PlotField, plots, type PlotSpec, removeField, removePlot, toggleLine } from "../model/plots/plots";
import { numberAt, sampledKey, seriesNameKey } from "../model/plots/sampling";
import { alarmsOfEntities } from "../model/timeline/markers";
import { visible } from "../model/timeline/span";
import { markers } from "../model/timeline/timeline_data";
import { entityKey, valueText } from "../model/values/event";
import { formatValue } from "../model/values/format";
import { formatTime, fromMs } from "../model/values/time";
import { AxisNotes } from "./AxisNotes";
import { LoadNotice } from "./Pane";
import { PlotTable } from "./PlotTable";
import { PlotTools } from "./PlotTools";
import { Status } from "./Status";

/** The library of charts, which a page without plots does not need. */
const charting = later(() => import("../model/plots/chart"));

export function Plot({ spec }: { spec: PlotSpec }) {
  const isActive = activePlot.value === spec.id && plots.value.length > 1;
  const [hoverMs, setHover] = useState<number | null>(null);
  const lines = chartLines(spec);
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
        // Another field, axis or limit is another chart.
        <PlotCanvas key={`${theme.value} ${JSON.stringify(lines)}`} lines={lines} hover={setHover} />
      )}
      <AxisNotes spec={spec} />
      {spec.table === true && <PlotTable spec={spec} />}
    </section>
  );
}

function chartLines({ fields, hidden = [], axes = {} }: PlotSpec): ChartLine[] {
  return fields.map((field) => {
    const unit = fieldUnit(field);
    return { field, unit, axis: axes[unit] ?? {}, isHidden: hidden.includes(fieldKey(field)), limits: limitLines([field]) };
  });
}

function PlotLegend({ spec, hoverMs }: { spec: PlotSpec; hoverMs: number | null }) {
  return (
    <div class="plot-legend">
      <ul>
        {spec.fields.map((field, index) => (
          <Line key={fieldKey(field)} spec={spec} field={field} index={index} hoverMs={hoverMs} />
        ))}
      </ul>
      <time class="muted">{hoverMs === null ? "" : formatTime(fromMs(hoverMs))}</time>
      {spec.fields.length > 0 && <PlotTools spec={spec} />}
      <button type="button" class="icon" aria-label="Remove this plot" data-testid="remove-plot" onClick={() => removePlot(spec.id)}>
        ✕
      </button>
    </div>
  );
}

interface LineProps {
  spec: PlotSpec;
  field: PlotField;
  index: number;
  hoverMs: number | null;
}

/** A line's name, which hides it, and its value. */
function Line({ spec, field, index, hoverMs }: LineProps) {
  const isHidden = spec.hidden?.includes(fieldKey(field)) === true;
  const { title } = fieldSpec(field);
  const name = title ?? field.field;
  return (
    <li class={isHidden ? "is-hidden" : ""} data-testid="plot-line" data-field={field.field}>
      <button
        type="button"
        class="link plot-name"
        aria-pressed={!isHidden}
        title={`${isHidden ? "Show" : "Hide"} ${fieldKey(field)}`}
        data-testid="plot-hide"
        onClick={() => toggleLine(spec.id, field)}
      >
        <span class={`plot-swatch colour-${index}`} aria-hidden="true" />
        <span class="muted">{entityName(field.series)}</span> <span class="legend-name">{name}</span>
      </button>
      <FieldValue field={field} hoverMs={hoverMs} />
      <button type="button" class="icon" aria-label={`Remove ${name} from the plot`} onClick={() => removeField(spec.id, field)}>
        ×
      </button>
    </li>
  );
}

/** A field's value at the pointer, else at the clock. */
function FieldValue({ field, hoverMs }: { field: PlotField; hoverMs: number | null }) {
  const now = hoverMs === null ? valueNow(field) : undefined;
  if (now !== undefined) return <Value value={now} field={field} title="" isNow={true} />;
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
  return <Value value={at.mean} field={field} title={title} isNow={hoverMs === null} />;
}

/** A value with its unit; that of the clock has the colour of its alarm. */
function Value({ value, field, title, isNow = false }: { value: number; field: PlotField; title: string; isNow?: boolean }) {
  const spec = fieldSpec(field);
  void ageBeats.value;
  const isStale = isNow && seriesAge(sourceKey(field.series)).freshness === "stale";
  const verdict = isNow ? fieldVerdict(field) : undefined;
  const words = [title, limitsText(spec)].filter(Boolean).join("; ");
  return (
    <>
      {isStale && <Status verdict="stale" />}
      <span class={`reading value-text ${verdict ?? ""}`} title={words || undefined} data-testid="plot-value">
        {formatValue(value, spec)} <span class="unit">{fieldUnit(field)}</span>
      </span>
    </>
  );
}

/** The exact value at the clock, which is known only for the selected entity. */
function valueNow(field: PlotField): number | undefined {
  const key = seriesNameKey(field.series);
  const event = [...latest.value.values()].find((one) => sampledKey(one) === key);
  return event === undefined ? undefined : numberAt(event, field.field);
}

function PlotCanvas({ lines, hover }: { lines: readonly ChartLine[]; hover: (ms: number | null) => void }) {
  const element = useRef<HTMLDivElement>(null);
  const code = charting.code.value;
  useEffect(charting.load, []);
  useEffect(() => {
    if (code === null) return;
    const chart = new code.Chart(element.current as HTMLElement, lines, hover);
    const entities = new Set(lines.map(({ field }) => entityKey(field.series)));
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
      aria-label={`${lines.map(({ field }) => field.field).join(", ")} over the visible span`}
      data-limits={lines.flatMap(({ limits }) => limits.map(({ value }) => value)).join(" ")}
      data-testid="plot-canvas"
    />
  );
}
