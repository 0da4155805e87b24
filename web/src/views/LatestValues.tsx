/** The latest values of the selected entity at the cursor, with units and ages. */

import { Component } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { KeySpec } from "../api/protocol";
import type { Verdict } from "../model/alarms/card_alarms";
import { limitsText } from "../model/alarms/limit_texts";
import { cursorMs, timebase } from "../model/clock/clock";
import { selectedEntity } from "../model/entities/entities";
import { ageBeats, seriesAge, sourceKey } from "../model/entities/entity_ages";
import { changedPaths, latest, latestError, latestOutline, latestPending, shownLatest } from "../model/entities/latest";
import { isFrameShown } from "../model/events/frame_fields";
import { inspectedEvent } from "../model/events/inspector";
import { showPanel } from "../model/layout/layout_store";
import { startFieldDrag } from "../model/layout/field_drag";
import { fieldSpec, fieldUnit, fieldVerdict } from "../model/plots/plot_fields";
import { addField, isPlotted } from "../model/plots/plots";
import { sampledSeriesOf } from "../model/plots/sampling";
import { eventKind, eventTime, type Lane, type StoredEvent, valueRows, valueText } from "../model/values/event";
import { formatAge, formatTime, toMs } from "../model/values/time";
import { unitOf } from "../model/values/units";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { Status } from "./Status";

/** The search field is shown from this many fields on. */
const FILTER_FROM = 12;

export function LatestValues() {
  const entity = selectedEntity.value;
  const [filter, setFilter] = useState("");
  const isWaiting = latestPending.value && latest.value.size === 0;
  const events = byLane(isWaiting ? latestOutline.value : shownLatest.value);
  const isMuch = events.reduce((sum, [, event]) => sum + valueRows(event).length, 0) >= FILTER_FROM;
  return (
    <Pane
      id="values"
      title={entity === null ? "Latest values" : <EntityName id={entity.uniqueId} />}
      tools={
        isMuch && (
          <input
            type="search"
            placeholder="Filter fields"
            aria-label="Filter fields"
            data-testid="value-filter"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        )
      }
    >
      <ErrorNotice text={latestError.value} />
      {entity === null ? (
        <Empty>Select an entity in the tree.</Empty>
      ) : events.length === 0 ? (
        <Empty testid="latest-empty">
          {isWaiting ? "Loading values…" : "No data at this time. Move the clock, or go LIVE."}
        </Empty>
      ) : (
        <div class={`scroll ${isWaiting ? "awaited" : ""}`} aria-busy={isWaiting} tabIndex={0} role="region" aria-label="Values">
          {events.map(([key, event]) => (
            <Series key={key} name={key} event={event} filter={isMuch ? filter.trim().toLowerCase() : ""} />
          ))}
        </div>
      )}
    </Pane>
  );
}

/** Lanes of which a silence says something. */
const IS_TELEMETRY: ReadonlySet<Lane> = new Set(["ui", "parsed", "raw"]);

/** The lanes that are read most come first; within a lane the server's order holds. */
const LANE_ORDER: readonly Lane[] = ["ui", "parsed", "command", "raw", "metadata"];

function byLane(events: ReadonlyMap<string, StoredEvent>): [string, StoredEvent][] {
  return LANE_ORDER.flatMap((lane) => [...events].filter(([, event]) => event.lane === lane));
}

function EntityName({ id }: { id: string }) {
  return (
    <>
      {id} <span class="muted">latest values</span>
    </>
  );
}

interface SeriesProps {
  name: string;
  event: StoredEvent;
  filter: string;
}

function Series({ name, event, filter }: SeriesProps) {
  const before = useRef<StoredEvent>(undefined);
  const changed = useMemo(() => {
    const found = changedPaths(before.current, event);
    before.current = event;
    return found;
  }, [event]);
  const all = valueRows(event).filter(([path]) => filter === "" || path.toLowerCase().includes(filter));
  const series = sampledSeriesOf(event);
  return (
    <table class="values" data-testid="latest-series" data-series={name}>
      <caption>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <strong>{eventKind(event)}</strong>
        <EventAge event={event} />
        {event.lane === "parsed" && (
          <button type="button" class="link" title="The frame of this message, and where its fields are in it" data-testid="show-frame" onClick={() => showFrame(event)}>
            frame
          </button>
        )}
      </caption>
      <tbody>
        {all.map(([path, value]) => {
          const field = series !== undefined && typeof value === "number" ? { series, field: path } : undefined;
          return (
            <OneValue
              key={path}
              path={path}
              text={valueText(value)}
              unit={series === undefined ? (unitOf(path) ?? "") : fieldUnit({ series, field: path })}
              verdict={series === undefined ? undefined : fieldVerdict({ series, field: path })}
              title={series === undefined ? "" : describe(fieldSpec({ series, field: path }), value)}
              isNumber={typeof value === "number"}
              changedBy={changed.has(path) ? event.eventId : ""}
              plotted={field === undefined ? undefined : isPlotted(field)}
              drag={(event) => field !== undefined && startFieldDrag(field, event)}
              plot={() => field !== undefined && !isPlotted(field) && addField(field)}
            />
          );
        })}
      </tbody>
    </table>
  );
}

/** Beside the clock, which does not move. */
function showFrame(event: StoredEvent): void {
  [isFrameShown.value, inspectedEvent.value] = [true, event];
  showPanel("inspector");
}

function EventAge({ event }: { event: StoredEvent }) {
  const time = eventTime(event, timebase.value);
  void ageBeats.value;
  const isStale = IS_TELEMETRY.has(event.lane) && seriesAge(sourceKey(event)).freshness === "stale";
  return (
    <span class={`muted ${isStale ? "stale" : ""}`} title={`${formatTime(time)} UTC`} data-testid="value-age" data-stale={isStale}>
      {isStale && <Status verdict="stale" />}
      {formatAge(cursorMs.value - toMs(time))} ago
    </span>
  );
}

/** What a manifest says of a value: its title, its label and its limits. */
function describe(spec: KeySpec, value: unknown): string {
  return [spec.title ?? "", spec.labels?.[String(value)] ?? "", limitsText(spec)].filter(Boolean).join("; ");
}

interface ValueProps {
  path: string;
  text: string;
  unit: string;
  verdict: Verdict;
  title: string;
  isNumber: boolean;
  /** The event that changed the value; empty if the newest event did not change it. */
  changedBy: string;
  /** Undefined where the field cannot be plotted. */
  plotted: boolean | undefined;
  plot: () => void;
  drag: (event: PointerEvent) => void;
}

/** One row, redrawn only if its value changes: entities may have a thousand fields. */
class OneValue extends Component<ValueProps> {
  override shouldComponentUpdate(next: ValueProps): boolean {
    const { text, changedBy, plotted, unit, verdict, title } = this.props;
    const isSame = next.unit === unit && next.verdict === verdict && next.title === title && next.plotted === plotted;
    return !isSame || next.text !== text || next.changedBy !== changedBy;
  }

  override render({ path, text, unit, verdict, title, isNumber, changedBy, plotted, plot, drag }: ValueProps) {
    return (
      <tr data-testid="latest-row" data-key={path} data-verdict={verdict}>
        <th scope="row">
          <span
            class={plotted === undefined ? "" : "field-grip"}
            title={plotted === undefined ? undefined : "Drag into a panel"}
            onPointerDown={plotted === undefined ? undefined : drag}
          >
            {path}
          </span>
          {plotted !== undefined && (
            <button
              type="button"
              class="icon"
              aria-disabled={plotted}
              aria-label={plotted ? `${path} is plotted` : `Plot ${path}`}
              title={plotted ? "plotted" : "Plot this field"}
              data-testid="plot-field"
              onClick={plot}
            >
              {plotted ? "✓" : "∿"}
            </button>
          )}
        </th>
        <td class={isNumber ? "number" : ""} title={title || undefined}>
          <span key={changedBy} class={`${changedBy === "" ? "" : "changed"} ${verdict ?? ""}`}>
            {text}
          </span>
          {unit !== "" && <span class="unit"> {unit}</span>}
          {(verdict === "warning" || verdict === "critical") && <span class="sr-only"> {verdict}</span>}
        </td>
      </tr>
    );
  }
}
