/** Gauges: each number on an arc between two ends, with its limits. */

import { namedEntity } from "../model/entities/entity_names";
import { useRef } from "preact/hooks";
import { type GaugeOptions, type GaugeScale, gaugeScale, gaugeShare } from "../model/kinds/gauge_kind";
import { readingOf, readingTitle } from "../model/fields/field_reading";
import { seriesEventsError } from "../model/fields/field_values";
import { tickText } from "../model/fields/number_ticks";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import "../kinds.css";
import { FieldReadingText } from "./FieldReadingText";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { useWatched } from "./use_fields";

const RADIUS = 40;
const CENTRE = { x: 50, y: 48 };

export function Gauges({ panel, options }: PanelProps<GaugeOptions>) {
  const { fields = [] } = options;
  useWatched(fields);
  return (
    <Pane id={panel.id}>
      <ErrorNotice text={seriesEventsError.value} />
      {fields.length === 0 ? (
        <Empty>No fields yet. Drag a number here from Latest values or a card, or choose Settings in the menu ⋮.</Empty>
      ) : (
        <div class="gauges" tabIndex={0} role="region" aria-label="Gauges">
          {fields.map((field) => (
            <Gauge key={fieldKey(field)} of={field} options={options} />
          ))}
        </div>
      )}
    </Pane>
  );
}

function Gauge({ of, options }: { of: FieldRef; options: GaugeOptions }) {
  const reading = readingOf(of);
  const value = typeof reading.value === "number" && Number.isFinite(reading.value) ? reading.value : undefined;
  // Without limits the scale grows with the values and does not shrink, so that the arc can be read.
  const greatest = useRef(0);
  greatest.current = Math.max(greatest.current, Math.abs(value ?? 0));
  const scale = gaugeScale(reading.spec, value === undefined ? undefined : Math.sign(value) * greatest.current, options);
  const hasScale = value !== undefined || scale.zones.length > 0;
  return (
    <figure class="gauge" data-testid="gauge" data-field={of.field}>
      <figcaption title={fieldKey(of)}>
        <span class="muted">{namedEntity(of.series)}</span> {readingTitle(reading, of.field)}
      </figcaption>
      <svg viewBox="0 0 100 58" aria-hidden="true">
        <path class="gauge-track" d={arc(0, 1)} />
        {scale.zones.map((zone) => (
          <path key={`${zone.severity} ${zone.low}`} class={`gauge-zone is-${zone.severity}`} d={arc(gaugeShare(zone.low, scale), gaugeShare(zone.high, scale))} />
        ))}
        {value !== undefined && <path class={`gauge-value ${reading.verdict ?? ""} ${reading.isStale ? "stale" : ""}`} d={arc(0, gaugeShare(value, scale))} />}
        {hasScale && <Ends scale={scale} />}
      </svg>
      <FieldReadingText reading={reading} field={of.field} />
    </figure>
  );
}

function Ends({ scale }: { scale: GaugeScale }) {
  return (
    <>
      <text class="gauge-end" x="0" y="57">
        {tickText(+scale.low.toPrecision(3))}
      </text>
      <text class="gauge-end" x="100" y="57" text-anchor="end">
        {tickText(+scale.high.toPrecision(3))}
      </text>
    </>
  );
}

/** A part of the half circle, between two shares of it. */
function arc(from: number, to: number): string {
  const [start, stop] = [onCircle(from), onCircle(to)];
  return `M ${start} A ${RADIUS} ${RADIUS} 0 0 1 ${stop}`;
}

function onCircle(share: number): string {
  const angle = Math.PI * (1 - share);
  return `${(CENTRE.x + RADIUS * Math.cos(angle)).toFixed(2)} ${(CENTRE.y - RADIUS * Math.sin(angle)).toFixed(2)}`;
}
