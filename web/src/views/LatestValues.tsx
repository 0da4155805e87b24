/** The latest values of the selected entity at the cursor, with units and ages. */

import { useMemo, useRef, useState } from "preact/hooks";
import type { KeySpec } from "../api/protocol";
import { limitsText } from "../model/alarms/limit_texts";
import { isStalled, timebase } from "../model/clock/clock";
import { selectedEntity } from "../model/entities/entities";
import { ageBeats, seriesAge, sourceKey } from "../model/entities/entity_ages";
import { entityName } from "../model/entities/entity_names";
import { changedPaths, latest, latestAgeMs, latestError, latestOutline, latestPending, shownLatest } from "../model/entities/latest";
import { startFieldDrag } from "../model/layout/field_drag";
import { fieldSpec, fieldUnit, fieldVerdict } from "../model/plots/plot_fields";
import { addField, isPlotted } from "../model/plots/plots";
import { sampledSeriesOf } from "../model/plots/sampling";
import { eventKind, eventTime, type Lane, type StoredEvent, valueRows, valueText } from "../model/values/event";
import { formatAge, formatTime } from "../model/values/time";
import { unitOf } from "../model/values/units";
import { latePage } from "./late_page";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { Status } from "./Status";
import { ValueRow } from "./ValueRow";

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
      title={entity === null ? "Latest values" : <EntityName id={entityName(entity)} />}
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
  const late = latePage.code.value;
  return (
    <table class="values" data-testid="latest-series" data-series={name}>
      <caption>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <strong>{eventKind(event)}</strong>
        <EventAge event={event} />
        {event.lane === "parsed" && late !== null && <late.FrameButton event={event} />}
      </caption>
      <tbody>
        {all.map(([path, value]) => {
          const field = series !== undefined && typeof value === "number" ? { series, field: path } : undefined;
          return (
            <ValueRow
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

function EventAge({ event }: { event: StoredEvent }) {
  const time = eventTime(event, timebase.value);
  void ageBeats.value;
  const isStale = IS_TELEMETRY.has(event.lane) && seriesAge(sourceKey(event)).freshness === "stale";
  return (
    <span class={`muted ${isStale ? "stale" : ""}`} title={`${formatTime(time)} UTC`} data-testid="value-age" data-stale={isStale}>
      {isStale && <Status verdict="stale" />}
      {isStalled.value ? "?" : `${formatAge(latestAgeMs(event))} ago`}
    </span>
  );
}

/** What a manifest says of a value: its title, its label and its limits. */
function describe(spec: KeySpec, value: unknown): string {
  return [spec.title ?? "", spec.labels?.[String(value)] ?? "", limitsText(spec)].filter(Boolean).join("; ");
}
