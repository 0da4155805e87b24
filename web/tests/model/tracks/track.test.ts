import { describe, expect, it } from "vitest";
import {
  coordinateText,
  gapThresholdMs,
  pointBefore,
  pointNear,
  pointOf,
  type PositionFields,
  positionFieldsOf,
  trackLines,
  trackOf,
  type TrackPoint,
} from "../../../src/model/tracks/track";
import { boundsOf, mapOf } from "../../../src/model/tracks/world_map";
import type { StoredEvent } from "../../../src/model/values/event";

function at(ms: number, longitude: number, latitude = 0): TrackPoint {
  return { ms, longitude, latitude };
}

function event(payload: Record<string, unknown>): StoredEvent {
  return { lane: "parsed", messageType: "Position", eventId: "1", payload } as unknown as StoredEvent;
}

const DEGREES: PositionFields = { kind: "degrees", latitude: "lat", longitude: "lon" };

describe("a track on the map", () => {
  it("is one line when it stays on the map", () => {
    expect(trackLines([at(0, 10), at(1, 20), at(2, 30)], 100)).toEqual([[[10, 0], [20, 0], [30, 0]]]);
  });

  it("is cut at the antimeridian, and reaches the edge on both sides at the same latitude", () => {
    const eastwards = trackLines([at(0, 170, 0), at(1, -170, 20)], 100);
    expect(eastwards).toEqual([
      [[170, 0], [180, 10]],
      [[-180, 10], [-170, 20]],
    ]);
    const westwards = trackLines([at(0, -175, 10), at(1, 165, 30)], 100);
    expect(westwards[0]?.at(-1)).toEqual([-180, 15]);
    expect(westwards[1]?.[0]).toEqual([180, 15]);
  });

  it("crosses the zero meridian without being cut", () => {
    expect(trackLines([at(0, -5), at(1, 5)], 100)).toHaveLength(1);
  });

  it("never draws a line across the map", () => {
    const orbit = Array.from({ length: 400 }, (_, index) => at(index, ((index * 7 + 180) % 360) - 180, (index % 100) - 50));
    for (const line of trackLines(orbit, 1_000)) {
      for (const [index, [longitude]] of line.slice(1).entries()) {
        expect(Math.abs(longitude - (line[index]?.[0] ?? 0))).toBeLessThanOrEqual(180);
      }
    }
  });

  it("is cut at a long silence", () => {
    const points = [at(0, 1), at(1_000, 2), at(2_000, 3), at(90_000, 50), at(91_000, 51)];
    expect(trackLines(points, gapThresholdMs(points))).toHaveLength(2);
  });

  it("gives the last point before a time, and none before the first", () => {
    const points = [at(10, 1), at(20, 2)];
    expect(pointBefore(points, 9)).toBeUndefined();
    expect(pointBefore(points, 19)).toBe(points[0]);
    expect(pointBefore(points, 99)).toBe(points[1]);
  });

  it("places what happened at the nearest point, also just before the first, never across a silence", () => {
    const points = [at(100_000, 1), at(101_000, 2)];
    expect(pointNear(points, 99_900)).toBe(points[0]);
    expect(pointNear(points, 100_400)).toBe(points[0]);
    expect(pointNear(points, 100_600)).toBe(points[1]);
    expect(pointNear(points, 500_000)).toBe(points[1]);
    expect(pointNear(points, 80_000)).toBeUndefined();
    expect(pointNear([], 1)).toBeUndefined();
  });
});

describe("a position", () => {
  it("is read from latitude and longitude in one object, in any spelling", () => {
    expect(positionFieldsOf(event({ latitude: 1, longitude: 2 }))).toMatchObject({ latitude: "latitude", longitude: "longitude" });
    expect(positionFieldsOf(event({ gps: { lat: 1, lng: 2 } }))).toMatchObject({ latitude: "gps.lat", longitude: "gps.lng" });
    expect(positionFieldsOf(event({ lat: 1, gps: { lon: 2 } }))).toBeUndefined();
    expect(positionFieldsOf(event({ lat: "1", lon: "2" }))).toBeUndefined();
    expect(positionFieldsOf(event({ flatness: 1, lon: 2 }))).toBeUndefined();
  });

  it("is computed from earth-centred coordinates", () => {
    const place = positionFieldsOf(event({ ADGPSPOSX: 1, ADGPSPOSY: 2, ADGPSPOSZ: 3 })) as PositionFields;
    expect(place).toEqual({ kind: "ecef", xyz: ["ADGPSPOSX", "ADGPSPOSY", "ADGPSPOSZ"] });
    // 45 degrees north, 90 degrees east, on the ellipsoid (WGS 84).
    const found = pointOf(event({ ADGPSPOSX: 0, ADGPSPOSY: 4_517_590.8788, ADGPSPOSZ: 4_487_348.4088 }), place, 5);
    expect(found?.longitude).toBeCloseTo(90, 6);
    expect(found?.latitude).toBeCloseTo(45, 6);
  });

  it("is undefined beyond the poles, and wraps longitudes", () => {
    expect(pointOf(event({ lat: 91, lon: 0 }), DEGREES, 0)).toBeUndefined();
    expect(pointOf(event({ lat: 1, lon: 190 }), DEGREES, 0)).toMatchObject({ longitude: -170 });
  });

  it("is sampled without buckets that span too far", () => {
    const field = (name: string, min: (number | null)[], max: (number | null)[]) => ({
      field: name,
      count: min.map((one) => (one === null ? 0 : 2)),
      min,
      max,
      mean: min.map((one, index) => (one === null ? null : (one + (max[index] ?? 0)) / 2)),
    });
    const fields = [field("lat", [1, null, 3, 4], [1, null, 3, 4]), field("lon", [10, null, -179, 30], [12, null, 179, 32])];
    const track = trackOf({ startMs: 0, bucketMs: 10, fields }, DEGREES);
    expect(track.left).toBe(1);
    expect(track.points.map(({ ms, longitude }) => [ms, longitude])).toEqual([
      [5, 11],
      [35, 31],
    ]);
  });

  it("is formatted as text", () => {
    expect(coordinateText(at(0, -1.5, 52))).toBe("52.0000° N  1.5000° W");
  });
});

describe("the map", () => {
  it("has land, and places points within its size", () => {
    const map = mapOf({ width: 400, height: 200 }, null);
    expect(map.land.length).toBeGreaterThan(1_000);
    expect(map.land).not.toContain("NaN");
    const [x, y] = map.place(at(0, 0, 0)) ?? [];
    expect(x).toBeCloseTo(200, 0);
    expect(y).toBeCloseTo(100, 0);
    expect(map.line([at(0, 170), at(1_000, -170)]).match(/M/g)).toHaveLength(2);
  });

  it("zooms to a track, unless that needs the whole world", () => {
    const track = [at(0, 5, 52), at(1, 5.004, 52.001)];
    const map = mapOf({ width: 400, height: 200 }, track);
    const [x = 0] = map.place(track[0] as TrackPoint) ?? [];
    const [right = 0] = map.place(track[1] as TrackPoint) ?? [];
    expect(right - x).toBeGreaterThan(50);
    expect(map.grid.length).toBeLessThan(100_000);
    expect(boundsOf([at(0, 179), at(1, -179)])).toBeUndefined();
  });
});
