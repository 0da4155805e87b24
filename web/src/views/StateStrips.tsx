/** State strips: the states of fields over the span of the panel, as coloured bars with the clock's time. */

import { useMemo } from "preact/hooks";
import { namedEntity } from "../model/entities/entity_names";
import { cursorMs, seek, state } from "../model/clock/clock";
import { columnOf, fieldsQuery, knownUntilMs, rowsTrouble, type SeriesRows } from "../model/fields/fields_query";
import { isSourceStale } from "../model/fields/field_reading";
import type { FieldValue } from "../model/fields/column_rows";
import { runAt, type StateRun, stateRuns, statesOf } from "../model/fields/state_runs";
import type { StatesOptions } from "../model/kinds/states_kind";
import { hasOwnTime, panelSpan } from "../model/panels/panel_time";
import type { Span } from "../model/timeline/span";
import { spanLength, toX } from "../model/timeline/span";
import { ticks } from "../model/timeline/ticks";
import { valueText } from "../model/values/event";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import { formatTime, fromFineMs } from "../model/values/time";
import "../kinds.css";
import type { PanelProps } from "./later_panel";
import { Empty } from "./Pane";
import { Status } from "./Status";
import { TimedPane } from "./PanelTime";
import { useSpanQuery } from "./use_fields";
import { useSize } from "./use_size";

const COLOURS = 8;
const TICK_WIDTH_PX = 90;
/** A name is written into a bar that is as wide as this many pixels a character. */
const CHARACTER_PX = 7;

export function StateStrips({ panel, options, change }: PanelProps<StatesOptions>) {
  const { fields = [] } = options;
  const query = useSpanQuery(options, (newest) => fieldsQuery(() => ({ fields: newest().fields ?? [], time: newest() })));
  const span = panelSpan(options);
  return (
    <TimedPane panel={panel} options={options} change={change} error={query.error.value}>
      {fields.length === 0 ? (
        <Empty>No fields yet. Drag a value here from Latest values or a card, or choose Settings in the menu ⋮.</Empty>
      ) : (
        typeof span !== "string" && <Strips fields={fields} rows={query.data.value} span={span} isOwnTime={hasOwnTime(options)} />
      )}
    </TimedPane>
  );
}

interface StripsProps {
  fields: readonly FieldRef[];
  rows: SeriesRows | null;
  span: Span;
  isOwnTime: boolean;
}

function Strips({ fields, rows, span, isOwnTime }: StripsProps) {
  const [element, { width }] = useSize();
  const x = toX(span, cursorMs.value, width);
  return (
    <div class="state-strips" tabIndex={0} role="region" aria-label="State strips">
      <div class="state-axis" ref={element} aria-hidden="true">
        {ticks(span, width / TICK_WIDTH_PX).map(({ ms, label }) => (
          <span key={ms} style={{ left: `${toX(span, ms, width)}px` }}>
            {label}
          </span>
        ))}
      </div>
      {fields.map((field) => (
        <Strip key={fieldKey(field)} of={field} rows={rows} span={span} width={width} isOwnTime={isOwnTime} />
      ))}
      {!isOwnTime && x >= 0 && x <= width && <div class="state-clock" style={{ left: `${x}px` }} data-testid="strip-clock" />}
      {rows !== null && rowsTrouble(rows) !== "" && <p class="muted">{rowsTrouble(rows)}</p>}
    </div>
  );
}

interface StripProps {
  of: FieldRef;
  rows: SeriesRows | null;
  span: Span;
  width: number;
  isOwnTime: boolean;
}

function Strip({ of, rows, span, width, isOwnTime }: StripProps) {
  // LIVE what is later than the clock is not known, so the last state ends there; so it does where no more was read.
  const presentMs = state.value === "LIVE" ? Math.min(span.stopMs, cursorMs.value) : span.stopMs;
  const untilMs = rows === null ? presentMs : Math.min(presentMs, knownUntilMs(rows, of));
  const runs = useMemo(() => {
    const { times, values } = rows === null ? { times: [], values: [] } : columnOf(rows, of);
    return stateRuns(times, values, untilMs);
  }, [rows, untilMs, fieldKey(of)]);
  const states = useMemo(() => statesOf(runs), [runs]);
  const now = isOwnTime ? undefined : runAt(runs, cursorMs.value);
  return (
    <div class="state-strip" data-testid="state-strip" data-field={of.field}>
      <p title={fieldKey(of)}>
        <span class="muted">{namedEntity(of.series)}</span> {of.field} {now !== undefined && <StateNow of={of} text={stateText(now.value)} />}
        {rows !== null && runs.length === 0 && <span class="muted"> no values in this span</span>}
      </p>
      <svg width={width} height="22" role="img" aria-label={`${of.field}: ${states.map(stateText).join(", ")}`}>
        {runs.map((run) => (
          <Run key={run.startMs} run={run} colour={states.indexOf(run.value) % COLOURS} span={span} width={width} />
        ))}
      </svg>
    </div>
  );
}

/** The state at the clock; it is stale with its source. */
function StateNow({ of, text }: { of: FieldRef; text: string }) {
  return (
    <>
      {isSourceStale(of.series) && <Status verdict="stale" />} <strong data-testid="strip-now">{text}</strong>
    </>
  );
}

function Run({ run, colour, span, width }: { run: StateRun; colour: number; span: Span; width: number }) {
  const [left, right] = [Math.max(0, toX(span, run.startMs, width)), Math.min(width, toX(span, run.stopMs, width))];
  if (right <= 0 || left >= width || spanLength(span) <= 0) return null;
  const text = stateText(run.value);
  return (
    <g data-testid="state-run" data-state={text} onClick={() => seek(fromFineMs(run.startMs))}>
      <rect class={`state-bar fill-${colour}`} x={left} width={Math.max(1, right - left)} y="1" height="20" />
      {right - left > text.length * CHARACTER_PX && (
        <text class="state-text" x={left + 4} y="15">
          {text}
        </text>
      )}
      <title>{`${text}: ${formatTime(fromFineMs(run.startMs))} to ${formatTime(fromFineMs(run.stopMs))} UTC`}</title>
    </g>
  );
}

function stateText(value: FieldValue): string {
  return valueText(value);
}
