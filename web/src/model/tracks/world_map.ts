/** The world map: land and a grid of degrees as SVG paths, and the projection of points onto it. */

import { geoEquirectangular, geoGraticule, geoPath, type GeoPermissibleObjects, type GeoProjection } from "d3-geo";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import world from "world-atlas/land-110m.json";
import { gapThresholdMs, trackLines, type TrackPoint } from "./track";

export interface MapSize {
  width: number;
  height: number;
}

/** The drawn paths, and the projection from degrees to pixels. */
export interface WorldMap {
  land: string;
  grid: string;
  frame: string;
  /** The distance between lines of the grid, in degrees. */
  step: number;
  place: (point: TrackPoint) => [x: number, y: number] | undefined;
  line: (points: readonly TrackPoint[]) => string;
}

const topology = world as unknown as Topology;
const LAND = feature(topology, topology.objects["land"] as never) as unknown as GeoPermissibleObjects;
const SPHERE = { type: "Sphere" } as const;
const MARGIN_PX = 6;
/** Narrowest area that is shown for a track: the coastline is accurate to about a tenth of this. */
const WIDTH_MIN_DEG = 0.02;
/** Steps of the grid, in degrees; the smallest that gives few enough lines is used. */
const STEPS_DEG = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];
const GRID_LINES_MAX = 12;

/** The map of the whole world, or of the part that a track needs. */
export function mapOf(size: MapSize, around: readonly TrackPoint[] | null): WorldMap {
  const { width, height } = size;
  const projection = geoEquirectangular().precision(0.1);
  const box: [[number, number], [number, number]] = [
    [MARGIN_PX, MARGIN_PX],
    [Math.max(MARGIN_PX + 1, width - MARGIN_PX), Math.max(MARGIN_PX + 1, height - MARGIN_PX)],
  ];
  const bounds = around === null ? undefined : boundsOf(around);
  if (bounds === undefined) projection.fitExtent(box, SPHERE);
  else zoomToBounds(projection, bounds, size);
  projection.clipExtent([
    [0, 0],
    [width, height],
  ]);
  const path = geoPath(projection);
  const step = gridStep(bounds);
  const grid = geoGraticule().step([step, step]).extentMajor(gridExtent(bounds)).extentMinor(gridExtent(bounds))();
  return {
    land: path(LAND) ?? "",
    grid: path(grid) ?? "",
    frame: path(SPHERE) ?? "",
    step,
    place: ({ longitude, latitude }) => projection([longitude, latitude]) ?? undefined,
    line: (points) => linePath(projection, points),
  };
}

/** A track as an SVG path: straight lines, because points are close together. */
function linePath(projection: GeoProjection, points: readonly TrackPoint[]): string {
  return trackLines(points, gapThresholdMs(points))
    .map((line) => {
      const pixels = line.map((degrees) => projection(degrees)).filter((one) => one !== null);
      const [first] = pixels;
      // A line of one point has no length; round ends make it a dot.
      if (pixels.length === 1 && first !== undefined) pixels.push(first);
      return pixels.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
    })
    .join("");
}

interface Bounds {
  west: number;
  east: number;
  south: number;
  north: number;
}

/** The area that points cover; undefined if they need the whole world, as around the antimeridian. */
export function boundsOf(points: readonly TrackPoint[]): Bounds | undefined {
  if (points.length === 0) return undefined;
  const [longitudes, latitudes] = [points.map(({ longitude }) => longitude), points.map(({ latitude }) => latitude)];
  const bounds = {
    west: Math.min(...longitudes),
    east: Math.max(...longitudes),
    south: Math.min(...latitudes),
    north: Math.max(...latitudes),
  };
  return bounds.east - bounds.west > 180 ? undefined : bounds;
}

function zoomToBounds(projection: GeoProjection, bounds: Bounds, { width, height }: MapSize): void {
  const wide = Math.max(bounds.east - bounds.west, WIDTH_MIN_DEG) * 1.3;
  const high = Math.max(bounds.north - bounds.south, WIDTH_MIN_DEG / 2) * 1.3;
  const perDegree = Math.min(width / wide, height / high);
  projection
    .scale((perDegree * 180) / Math.PI)
    .center([(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2])
    .translate([width / 2, height / 2]);
}

function gridStep(bounds: Bounds | undefined): number {
  if (bounds === undefined) return 30;
  const widest = Math.max(bounds.east - bounds.west, bounds.north - bounds.south, WIDTH_MIN_DEG);
  return STEPS_DEG.find((step) => (3 * widest) / step <= GRID_LINES_MAX * 2) ?? 30;
}

/** The area of the grid: a fine grid is drawn only around the track. */
function gridExtent(bounds: Bounds | undefined): [[number, number], [number, number]] {
  if (bounds === undefined) return [[-180, -90 + 1e-6], [180, 90 - 1e-6]];
  const room = 2 * Math.max(bounds.east - bounds.west, bounds.north - bounds.south, WIDTH_MIN_DEG);
  const step = gridStep(bounds);
  const down = (degrees: number) => Math.floor(degrees / step) * step;
  return [
    [Math.max(-180, down(bounds.west - room)), Math.max(-90 + 1e-6, down(bounds.south - room))],
    [Math.min(180, down(bounds.east + room)), Math.min(90 - 1e-6, down(bounds.north + room))],
  ];
}
