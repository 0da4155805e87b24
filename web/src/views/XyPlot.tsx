/** Fields against another field, over the span of the panel; the newest point up to the clock is marked. */

import { useMemo } from "preact/hooks";
import { namedEntity } from "../model/entities/entity_names";
import { cursorMs } from "../model/clock/clock";
import { columnOf, fieldsQuery, knownUntilMs, rowsTrouble, type SeriesRows } from "../model/fields/fields_query";
import { extentOf } from "../model/fields/histogram";
import { pointAt, type XyPoint, xyPoints } from "../model/fields/xy_points";
import type { XyOptions } from "../model/kinds/xy_kind";
import { hasOwnTime } from "../model/panels/panel_time";
import { type FieldRef, fieldKey } from "../model/values/field_ref";
import { unitOf } from "../model/values/units";
import "../kinds.css";
import { Axes, type Place, roomy } from "./Axes";
import type { PanelProps } from "./later_panel";
import { Empty } from "./Pane";
import { TimedPane } from "./PanelTime";
import { useSpanQuery } from "./use_fields";
import { type Size, useSize } from "./use_size";

export function XyPlot({ panel, options, change }: PanelProps<XyOptions>) {
  const { x: [x] = [], y = [] } = options;
  const query = useSpanQuery(options, (newest) =>
    fieldsQuery(() => ({ fields: [...(newest().x ?? []), ...(newest().y ?? [])], time: newest() })),
  );
  const rows = query.data.value;
  return (
    <TimedPane panel={panel} options={options} change={change} error={query.error.value}>
      {x === undefined || y.length === 0 ? (
        <Empty>Drag a number here for the X axis, then one for the Y axis, or choose Settings in the menu ⋮.</Empty>
      ) : rows === null ? (
        <Empty>Loading…</Empty>
      ) : (
        <Drawn x={x} y={y} rows={rows} isJoined={options.isJoined === true} isOwnTime={hasOwnTime(options)} />
      )}
    </TimedPane>
  );
}

interface DrawnProps {
  x: FieldRef;
  y: readonly FieldRef[];
  rows: SeriesRows;
  isJoined: boolean;
  isOwnTime: boolean;
}

function Drawn({ x, y, rows, isJoined, isOwnTime }: DrawnProps) {
  const [element, size] = useSize();
  const lines = useMemo(() => y.map((field) => xyPoints(columnOf(rows, x), columnOf(rows, field))), [rows, x, y]);
  const all = lines.flat();
  const trouble = rowsTrouble(rows);
  const knownMs = Math.min(...[x, ...y].map((field) => knownUntilMs(rows, field)));
  return (
    <>
      <p class="chart-legend">
        {y.map((field, at) => (
          <span key={fieldKey(field)} title={fieldKey(field)}>
            <span class={`plot-swatch colour-${at}`} aria-hidden="true" /> {nameOf(field)}
          </span>
        ))}
        <span class="muted">
          over {nameOf(x)}, {all.length} points{trouble === "" ? "" : ` · ${trouble}`}
        </span>
      </p>
      <div class="chart-area" ref={element} data-testid="xy-plot">
        {all.length === 0 ? (
          <p class="muted">No pairs of numbers in this span.</p>
        ) : (
          <Points lines={lines} all={all} size={size} isJoined={isJoined} isOwnTime={isOwnTime} knownMs={knownMs} />
        )}
      </div>
    </>
  );
}

interface PointsProps {
  lines: readonly (readonly XyPoint[])[];
  all: readonly XyPoint[];
  size: Size;
  isJoined: boolean;
  isOwnTime: boolean;
  /** Points after this time were not read. */
  knownMs: number;
}

function Points({ lines, all, size, isJoined, isOwnTime, knownMs }: PointsProps) {
  const [xs, ys] = useMemo(() => [roomy(extentOf(all.map(({ x }) => x))), roomy(extentOf(all.map(({ y }) => y)))] as const, [all]);
  return (
    <Axes size={size} x={xs} y={ys} label="XY plot">
      {(place) =>
        lines.map((points, at) => (
          <g key={at} data-testid="xy-line" data-points={points.length}>
            <path class={isJoined ? `xy-line stroke-${at}` : `xy-points stroke-${at}`} d={pathOf(points, place, isJoined)} />
            {/* The clock is in another span than the points. */}
            {!isOwnTime && cursorMs.value <= knownMs && <Now points={points} place={place} />}
          </g>
        ))
      }
    </Axes>
  );
}

function Now({ points, place }: { points: readonly XyPoint[]; place: Place }) {
  const now = pointAt(points, cursorMs.value);
  return now === undefined ? null : <circle class="xy-now" cx={place.x(now.x)} cy={place.y(now.y)} r="4.5" data-testid="xy-now" />;
}

/** One path for all points: a line of no length with round ends is a dot. */
function pathOf(points: readonly XyPoint[], place: Place, isJoined: boolean): string {
  return points
    .map(({ x, y }, at) => `${isJoined && at > 0 ? "L" : "M"}${place.x(x).toFixed(1)} ${place.y(y).toFixed(1)}${isJoined ? "" : "h0"}`)
    .join("");
}

function nameOf({ series, field }: FieldRef): string {
  const unit = unitOf(field);
  return `${namedEntity(series)} ${field}${unit === undefined ? "" : ` (${unit})`}`;
}
