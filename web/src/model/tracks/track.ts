/** Ground tracks: the positions of an entity over a span, as lines that a map can draw. */

import { type Buckets, numberAt } from "../plots/sampling";
import { type StoredEvent, valueRows } from "../values/event";

export interface TrackPoint {
  ms: number;
  /** Degrees, -180 to 180. */
  longitude: number;
  latitude: number;
}

/** The fields of a position: degrees, or metres from the Earth's centre (ECEF). */
export type PositionFields = { kind: "degrees"; latitude: string; longitude: string } | { kind: "ecef"; xyz: [string, string, string] };

const LATITUDE = /^(latitude|lat)(_?deg)?$/i;
const LONGITUDE = /^(longitude|lon|lng|long)(_?deg)?$/i;
const ECEF = /^(.*pos(?:ition)?_?)x$/i;
/** A bucket whose positions span more than this, in degrees, gives no position. */
const MOVED_MAX_DEG = 40;
const FULL_TURN = 360;

/** The position fields of an event; undefined if it has none. */
export function positionFieldsOf(event: StoredEvent): PositionFields | undefined {
  const fields = valueRows(event).filter(([, value]) => typeof value === "number").map(([path]) => path);
  for (const latitude of fields) {
    const [parent, name] = splitPath(latitude);
    if (!LATITUDE.test(name)) continue;
    const longitude = fields.find((field) => splitPath(field)[0] === parent && LONGITUDE.test(splitPath(field)[1]));
    if (longitude !== undefined) return { kind: "degrees", latitude, longitude };
  }
  return ecefOf(fields);
}

function splitPath(path: string): [parent: string, name: string] {
  const at = path.lastIndexOf(".");
  return [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
}

function ecefOf(fields: readonly string[]): PositionFields | undefined {
  const known = new Map(fields.map((field) => [field.toLowerCase(), field]));
  for (const x of fields) {
    const stem = ECEF.exec(x)?.[1]?.toLowerCase();
    if (stem === undefined) continue;
    const [y, z] = [known.get(`${stem}y`), known.get(`${stem}z`)];
    if (y !== undefined && z !== undefined) return { kind: "ecef", xyz: [x, y, z] };
  }
  return undefined;
}

/** The fields to request for a position. */
export function positionFieldNames(place: PositionFields): string[] {
  return place.kind === "degrees" ? [place.latitude, place.longitude] : place.xyz;
}

/** The position in an event; undefined if it has none. */
export function pointOf(event: StoredEvent, place: PositionFields, ms: number): TrackPoint | undefined {
  const numbers = positionFieldNames(place).map((field) => numberAt(event, field));
  return numbers.some((one) => one === undefined) ? undefined : pointAt(place, numbers as number[], ms);
}

function pointAt(place: PositionFields, numbers: readonly number[], ms: number): TrackPoint | undefined {
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = numbers;
  if (place.kind === "degrees") return onEarth(second, first, ms);
  const across = Math.hypot(first, second);
  if (across === 0 && third === 0) return undefined;
  return onEarth(degrees(Math.atan2(second, first)), degrees(geodetic(across, third)), ms);
}

function onEarth(longitude: number, latitude: number, ms: number): TrackPoint | undefined {
  if (!Number.isFinite(longitude) || !(Math.abs(latitude) <= 90)) return undefined;
  return { ms, latitude, longitude: wrapLongitude(longitude) };
}

/** A longitude between -180 and 180 degrees. */
export function wrapLongitude(longitude: number): number {
  if (longitude >= -180 && longitude <= 180) return longitude;
  return ((((longitude + 180) % FULL_TURN) + FULL_TURN) % FULL_TURN) - 180;
}

/** Bowring's first step: accurate to a millionth of a degree near the Earth's surface and in orbit (WGS 84). */
function geodetic(across: number, z: number): number {
  const [major, minor] = [6_378_137, 6_356_752.314_245];
  const squared = 1 - (minor / major) ** 2;
  const angle = Math.atan2(z * major, across * minor);
  const upper = z + (squared / (1 - squared)) * minor * Math.sin(angle) ** 3;
  return Math.atan2(upper, across - squared * major * Math.cos(angle) ** 3);
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

/** A track, and how many buckets were left out because their positions span too far. */
export interface Track {
  points: readonly TrackPoint[];
  left: number;
}

/** The points of sampled buckets, in order of time. */
export function trackOf(buckets: Buckets, place: PositionFields): Track {
  const fields = positionFieldNames(place).map((name) => buckets.fields.find(({ field }) => field === name));
  const points: TrackPoint[] = [];
  let left = 0;
  for (let index = 0; index < (fields[0]?.count.length ?? 0); index++) {
    if (fields.some((field) => (field?.count[index] ?? 0) === 0)) continue;
    const ms = buckets.startMs + (index + 0.5) * buckets.bucketMs;
    const corners = ["min", "max"] as const;
    const [low, high, middle] = [...corners, "mean" as const].map((kind) =>
      pointAt(place, fields.map((field) => field?.[kind][index] ?? Number.NaN), ms),
    );
    if (middle === undefined) continue;
    if (movedDeg(low, high) > MOVED_MAX_DEG) left += 1;
    else points.push(middle);
  }
  return { points, left };
}

function movedDeg(low: TrackPoint | undefined, high: TrackPoint | undefined): number {
  if (low === undefined || high === undefined) return 0;
  return Math.max(Math.abs(high.latitude - low.latitude), Math.abs(high.longitude - low.longitude));
}

/**
 * A track as lines of [longitude, latitude], cut at the antimeridian (if the shorter way between two points
 * crosses it) and where no point exists for longer than `silenceMs`.
 */
export function trackLines(points: readonly TrackPoint[], silenceMs: number): [number, number][][] {
  const lines: [number, number][][] = [];
  let line: [number, number][] = [];
  let before: TrackPoint | undefined;
  for (const point of points) {
    if (before !== undefined && Math.abs(point.ms - before.ms) > silenceMs) {
      lines.push(line);
      line = [];
    } else if (before !== undefined && Math.abs(point.longitude - before.longitude) > 180) {
      const [leaves, latitude] = crossing(before, point);
      lines.push([...line, [leaves, latitude]]);
      line = [[-leaves, latitude]];
    }
    line.push([point.longitude, point.latitude]);
    before = point;
  }
  return [...lines, line].filter((one) => one.length > 0);
}

/** The edge of the map that a track leaves, and the latitude there. */
function crossing(from: TrackPoint, to: TrackPoint): [edge: number, latitude: number] {
  const edge = from.longitude > 0 ? 180 : -180;
  const unrolled = to.longitude + 2 * edge;
  const share = unrolled === from.longitude ? 0 : (edge - from.longitude) / (unrolled - from.longitude);
  return [edge, from.latitude + share * (to.latitude - from.latitude)];
}

/** The last point at or before a time; undefined before the first. */
export function pointBefore(points: readonly TrackPoint[], ms: number): TrackPoint | undefined {
  let found: TrackPoint | undefined;
  for (const point of points) {
    if (point.ms > ms) break;
    found = point;
  }
  return found;
}

/**
 * The point where something at this time took place: the nearest in time, but after it only within a silence that
 * does not end a line. A point is the mean of a short interval: what happened early in it lies before the point.
 */
export function pointNear(points: readonly TrackPoint[], ms: number): TrackPoint | undefined {
  const before = pointBefore(points, ms);
  const after = points.find((point) => point.ms > ms);
  if (after === undefined || after.ms - ms > gapThresholdMs(points)) return before;
  return before !== undefined && ms - before.ms <= after.ms - ms ? before : after;
}

/** How long a silence ends a line: a multiple of the usual distance between points. */
export function gapThresholdMs(points: readonly TrackPoint[]): number {
  const distances = points.slice(1).map((point, index) => point.ms - (points[index]?.ms ?? 0));
  distances.sort((left, right) => left - right);
  return 10 * Math.max(1_000, distances[Math.floor(distances.length / 2)] ?? 0);
}

/** A position as text: degrees and the hemisphere. */
export function coordinateText({ latitude, longitude }: TrackPoint): string {
  const one = (degrees: number, letters: [string, string]) =>
    `${Math.abs(degrees).toFixed(4)}° ${degrees < 0 ? letters[1] : letters[0]}`;
  return `${one(latitude, ["N", "S"])}  ${one(longitude, ["E", "W"])}`;
}
