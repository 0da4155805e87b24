/** Spans of different times on one axis that counts from their starts: one line a field and lane. */

import { namedEntity } from "../model/entities/entity_names";
import { useMemo, useState } from "preact/hooks";
import { extentOf } from "../model/fields/histogram";
import { type AlignedOptions, LANES_MAX } from "../model/kinds/aligned_kind";
import { laneOfPage, laneSpans, type LaneSpan, sinceStartText, sinceStartTicks } from "../model/kinds/aligned_lanes";
import { type AlignedLine, alignedLines, type AlignedPoint, alignedQuery, lineValueAt } from "../model/kinds/aligned_query";
import { spanLength } from "../model/timeline/span";
import { valueText } from "../model/values/event";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import { formatTime, fromFineMs } from "../model/values/time";
import { unitOf } from "../model/values/units";
import "../kinds.css";
import { Axes, type Place, roomy } from "./Axes";
import type { PanelProps } from "./later_panel";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { useSpanQuery } from "./use_fields";
import { useSize } from "./use_size";

export function AlignedPlot({ panel, options, change }: PanelProps<AlignedOptions>) {
  const { fields = [], lanes = [] } = options;
  const query = useSpanQuery(options, alignedQuery);
  const spans = laneSpans(lanes, options.lengthS);
  const lines = useLines(options, spans, query.data.value);
  const add = () => change({ ...options, lanes: [...lanes, laneOfPage()] });
  const drop = (at: number) => change({ ...options, lanes: lanes.filter((_, lane) => lane !== at) });
  return (
    <Pane
      id={panel.id}
      tools={
        <button
          type="button"
          data-testid="add-lane"
          disabled={lanes.length >= LANES_MAX}
          title={lanes.length >= LANES_MAX ? `At most ${LANES_MAX} lanes` : "A lane that starts where the selection does, or the visible span if nothing is selected"}
          onClick={add}
        >
          Add lane
        </button>
      }
    >
      <ErrorNotice text={query.error.value} />
      {fields.length === 0 || lanes.length === 0 ? (
        <Empty>
          {fields.length === 0 ? "Drag a number here from Latest values or a card. " : ""}
          {lanes.length === 0 ? "Choose recordings in the panel Recordings and press “As lanes”, or go to the start of a recording or a pass and press “Add lane”; then to the next one." : ""}
        </Empty>
      ) : (
        <Lanes fields={fields} spans={spans} lines={lines} drop={drop} isLoading={query.data.value === null} />
      )}
    </Pane>
  );
}

/** The lines of the lanes, which change with the samples and not with every picture. */
function useLines({ fields = [], lanes = [] }: AlignedOptions, spans: readonly LaneSpan[], all: Parameters<typeof alignedLines>[3] | null): AlignedLine[] {
  const starts = spans.map(({ span }) => (typeof span === "string" ? 0 : span.startMs));
  return useMemo(() => (all === null ? [] : alignedLines(fields, lanes, starts, all)), [all, fields, lanes, starts.join(" ")]);
}

interface LanesProps {
  fields: readonly FieldRef[];
  spans: readonly LaneSpan[];
  lines: readonly AlignedLine[];
  drop: (lane: number) => void;
  isLoading: boolean;
}

function Lanes({ fields, spans, lines, drop, isLoading }: LanesProps) {
  const [element, size] = useSize();
  const [pointer, setPointer] = useState<number | null>(null);
  const [first] = spans.flatMap(({ span }) => (typeof span === "string" ? [] : [span]));
  const lengthMs = first === undefined ? 1 : spanLength(first);
  const atMs = pointer === null || pointer < 0 || pointer > 1 ? null : pointer * lengthMs;
  return (
    <>
      <ul class="lane-legend">
        {spans.map((lane, at) => (
          <LaneEntry key={at} lane={lane} at={at} atMs={atMs} lengthMs={lengthMs} lines={lines.filter((line) => line.lane === at)} drop={() => drop(at)} />
        ))}
      </ul>
      <p class="chart-legend muted">
        {fields.map((field, at) => `${namedEntity(field.series)} ${field.field} ${unitOf(field.field) ?? ""}${fields.length > 1 ? DASH_NAMES[at] : ""}`.trim()).join(" · ")}
        {atMs === null ? "" : ` · ${sinceStartText(atMs)}`}
        {isLoading ? " · loading…" : ""}
      </p>
      <div class="chart-area" ref={element} data-testid="aligned-plot">
        <Lines lines={lines} fields={fields} size={size} lengthMs={lengthMs} onPointer={setPointer} />
      </div>
    </>
  );
}

interface LaneEntryProps {
  lane: LaneSpan;
  at: number;
  atMs: number | null;
  lengthMs: number;
  lines: readonly AlignedLine[];
  drop: () => void;
}

function LaneEntry({ lane: { name, span }, at, atMs, lengthMs, lines, drop }: LaneEntryProps) {
  const isEmpty = lines.every(({ points }) => points.length === 0);
  const values = atMs === null ? [] : lines.map((line) => lineValueAt(line, atMs, lengthMs));
  return (
    <li data-testid="lane">
      <span class={`plot-swatch colour-${at}`} aria-hidden="true" />
      <span title={typeof span === "string" ? span : `from ${formatTime(fromFineMs(span.startMs))} UTC`}>{name}</span>
      {typeof span === "string" ? (
        <span class="pane-trouble">{span}</span>
      ) : (
        <span class="reading">{values.length > 0 ? values.map((value) => (value === undefined ? "–" : valueText(+value.toPrecision(6)))).join(", ") : isEmpty ? "no values" : ""}</span>
      )}
      <button type="button" class="icon" aria-label={`Remove ${name}`} onClick={drop}>
        ×
      </button>
    </li>
  );
}

const DASHES: readonly (string | undefined)[] = [undefined, "6 3", "2 3", "8 3 2 3"];
const DASH_NAMES: readonly string[] = [" (line)", " (dashes)", " (dots)", " (dash and dot)"];

interface LinesProps {
  lines: readonly AlignedLine[];
  fields: readonly FieldRef[];
  size: { width: number; height: number };
  lengthMs: number;
  onPointer: (share: number | null) => void;
}

function Lines({ lines, fields, size, lengthMs, onPointer }: LinesProps) {
  const range = useMemo(() => roomy(extentOf(inSight(lines, lengthMs))), [lines, lengthMs]);
  const since = { low: 0, high: lengthMs, ticksOf: (count: number) => sinceStartTicks(lengthMs, count), textOf: sinceStartText };
  return (
    <Axes size={size} x={since} y={range} label={`${fields.map(({ field }) => field).join(", ")} of several spans since their starts`} onPointer={onPointer}>
      {(place) =>
        lines.map((line) => (
          <g key={`${line.lane} ${fieldKey(line.field)}`}>
            <path class={`aligned-band fill-${line.lane}`} d={bandOf(line, place, lengthMs)} />
            <path
              class={`xy-line stroke-${line.lane}`}
              stroke-dasharray={DASHES[fields.findIndex((field) => fieldKey(field) === fieldKey(line.field))]}
              data-testid="aligned-line"
              data-points={line.points.length}
              d={lineOf(line, place, lengthMs)}
            />
          </g>
        ))
      }
    </Axes>
  );
}

function inSight(lines: readonly AlignedLine[], lengthMs: number): number[] {
  return lines.flatMap((line) => sectionsOf(line, lengthMs).flatMap((section) => section.flatMap(({ min, max }) => [min, max])));
}

/** The unbroken parts of a line that are in sight. */
function sectionsOf({ points }: AlignedLine, lengthMs: number): AlignedPoint[][] {
  const sections: AlignedPoint[][] = [[]];
  for (const point of points) {
    if (point.mean === null || point.ms < 0 || point.ms > lengthMs) sections.push([]);
    else sections.at(-1)?.push(point);
  }
  return sections.filter((section) => section.length > 0);
}

function lineOf(line: AlignedLine, place: Place, lengthMs: number): string {
  // A line of no length with round ends is a dot.
  return sectionsOf(line, lengthMs).map((section) => `${pathOf(section, place, ({ mean }) => mean ?? 0)}h0`).join("");
}

/** From the greatest values of the buckets to their least. */
function bandOf(line: AlignedLine, place: Place, lengthMs: number): string {
  const band = (section: AlignedPoint[]) =>
    `${pathOf(section, place, ({ max }) => max)}${pathOf([...section].reverse(), place, ({ min }) => min).replace("M", "L")}Z`;
  return sectionsOf(line, lengthMs).map(band).join("");
}

function pathOf(section: readonly AlignedPoint[], place: Place, valueOf: (point: AlignedPoint) => number): string {
  return section.map((point, at) => `${at === 0 ? "M" : "L"}${place.x(point.ms).toFixed(1)} ${place.y(valueOf(point)).toFixed(1)}`).join("");
}
