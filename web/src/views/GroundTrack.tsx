/** The ground track of the selected entity on a map that needs no network. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { selectedEntity } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { alarmsOfEntities } from "../model/timeline/markers";
import { markers } from "../model/timeline/timeline_data";
import { later } from "../model/page/later";
import { coordinateText, pointNear, type Track } from "../model/tracks/track";
import { currentPoint, locatedSeries, track, trackError } from "../model/tracks/track_data";
import type { WorldMap } from "../model/tracks/world_map";
import { entityKey } from "../model/values/event";
import { Empty, ErrorNotice, LoadNotice, Pane } from "./Pane";
import { useSize } from "./use_size";

/** Whether the map is zoomed to the track. */
const close = signal(false);

/** Coastlines and projections are a quarter of the page's code. */
const mapping = later(() => import("../model/tracks/world_map"));

export function GroundTrack() {
  const isLocated = locatedSeries.value !== null;
  return (
    <Pane
      id="track"
      tools={
        isLocated && (
          <button type="button" aria-pressed={close.value} data-testid="track-zoom" onClick={() => (close.value = !close.value)}>
            {close.value ? "Whole world" : "Zoom to track"}
          </button>
        )
      }
    >
      <ErrorNotice text={trackError.value} />
      <LoadNotice text={mapping.trouble.value} />
      {isLocated ? (
        <>
          <PositionLine />
          <World />
        </>
      ) : (
        <Empty testid="track-empty">
          {selectedEntity.value === null
            ? "Select an entity in the tree."
            : `${entityName(selectedEntity.value)} has no position at this time: it publishes no fields named latitude and longitude.`}
        </Empty>
      )}
    </Pane>
  );
}

function PositionLine() {
  const point = currentPoint.value;
  return (
    <p class="place" data-testid="track-place">
      <span class="muted">{locatedSeries.value != null && entityName(locatedSeries.value.series)}</span> {point === undefined ? "–" : coordinateText(point)}
      <TrackNote track={track.value} />
    </p>
  );
}

function TrackNote({ track: found }: { track: Track | null }) {
  if (found === null) return <span class="muted"> · loading track…</span>;
  if (found.left > found.points.length) return <span class="muted"> · too long for a track: zoom the timeline in</span>;
  if (found.points.length === 0) return <span class="muted"> · no positions in the visible span</span>;
  return null;
}

function World() {
  const [element, size] = useSize();
  const points = track.value?.points ?? [];
  const around = close.value ? points : null;
  const code = mapping.code.value;
  useEffect(mapping.load, []);
  const map = useMemo(
    () => (size.width === 0 ? undefined : code?.mapOf(size, around)),
    [code, size.width, size.height, around],
  );
  const line = useMemo(() => map?.line(points) ?? "", [map, points]);
  return (
    <div class="world" ref={element}>
      {map !== undefined && (
        <svg
          width={size.width}
          height={size.height}
          viewBox={`0 0 ${size.width} ${size.height}`}
          role="img"
          aria-label={`Map with the ground track of ${selectedEntity.value?.uniqueId ?? "no entity"}`}
          data-testid="track-map"
        >
          <path class="sea" d={map.frame} />
          <path class="land" d={map.land} />
          <path class="grid" d={map.grid} />
          <path class="line" d={line} data-testid="track-line" />
          <AlarmPlaces map={map} />
          <Here map={map} />
        </svg>
      )}
      {map !== undefined && close.value && <p class="scale">lines every {map.step}°</p>}
    </div>
  );
}

/** Where the entity was when its alarms were raised. */
function AlarmPlaces({ map }: { map: WorldMap }) {
  const of = locatedSeries.value;
  const points = track.value?.points ?? [];
  const found = of === null ? [] : alarmsOfEntities(markers.value, new Set([entityKey(of.series)]));
  return (
    <>
      {found.map(({ ms, text, severity }) => {
        const point = pointNear(points, ms);
        const pixel = point === undefined ? undefined : map.place(point);
        if (pixel === undefined) return null;
        return (
          <rect key={`${ms} ${text}`} class={`alarm-place is-${severity}`} x={pixel[0] - 4} y={pixel[1] - 4} width="8" height="8" data-testid="track-alarm">
            <title>{text}</title>
          </rect>
        );
      })}
    </>
  );
}

/** The position at the clock; drawn on its own, because the clock moves more often than the map. */
function Here({ map }: { map: WorldMap }) {
  const point = currentPoint.value;
  const pixel = point === undefined ? undefined : map.place(point);
  if (pixel === undefined) return null;
  return (
    <g data-testid="track-here">
      <circle class="halo" cx={pixel[0]} cy={pixel[1]} r="9" />
      <circle class="here" cx={pixel[0]} cy={pixel[1]} r="4.5" />
    </g>
  );
}
