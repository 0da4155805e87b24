/** The past of a field: single values while they are few, then the extremes of stretches. */

import type { ColumnsResponse, LatestResponse, QueryResponse, SampleResponse } from "../../src/api/protocol";
import { BUCKETS_MAX } from "../../src/api/series";
import { rowsOf } from "../../src/model/fields/column_rows";
import type { StoredEvent } from "../../src/model/values/event";
import type { Catalog, KnownField } from "./catalog";
import { pageLimit, type EdgeReads } from "./edge_reads";
import { isPoint, type Point, pointOfObject } from "./identifiers";
import type { Datum, DomainObject, RequestOptions, TelemetryProvider } from "./openmct";
import { datumOf, shownValue } from "./point_values";
import { seriesFilters, seriesParameters } from "./series_parameters";
import { timebaseOf, timeText } from "./time_systems";

/** Values of a request that names no number. */
const SIZE_DEFAULT = 1_000;
/** Most values of a request that wants all. */
export const ROWS_MAX = 100_000;
const NS_PER_MS = 1e6;

export function history(reads: EdgeReads, catalog: Catalog): TelemetryProvider {
  return {
    supportsRequest: isPoint,
    request: async (object: DomainObject, options: RequestOptions) => {
      const point = pointOfObject(object);
      const field = await fieldOf(catalog, point);
      return field === undefined ? [] : valuesOf(new Range(reads, point, field, options));
    },
  };
}

/** What is known of a field; undefined if its series does not have it any more. */
export async function fieldOf(catalog: Catalog, { series, field }: Point): Promise<KnownField | undefined> {
  return (await catalog.fields(series)).fields.find((one) => one.field === field);
}

function valuesOf(range: Range): Promise<Datum[]> {
  const { strategy, size = 0, enforceSize = false } = range.options;
  // A plot that has no width yet asks for nothing.
  const count = Math.min(Math.floor(size), ROWS_MAX) || SIZE_DEFAULT;
  if (strategy === "latest") return size <= 1 ? range.latest() : range.newest(count);
  if (strategy === "minmax") return range.thinned(count);
  return enforceSize && size > 0 ? range.newest(count) : range.all();
}

/** A field over the range of a request. */
class Range {
  constructor(
    private readonly reads: EdgeReads,
    private readonly point: Point,
    private readonly field: KnownField,
    readonly options: RequestOptions,
  ) {}

  /** The last value at or before the end. */
  async latest(): Promise<Datum[]> {
    const { end, domain, signal } = this.options;
    const at = { time: timeText(end), timebase: timebaseOf(domain), fields: [this.point.field] };
    const reply = await this.reads.read<LatestResponse>("latest", { ...seriesFilters(this.point.series), ...at }, signal);
    return this.datums(reply.events).slice(-1);
  }

  /** The last values of the range, oldest first. */
  async newest(size: number): Promise<Datum[]> {
    const found: Datum[] = [];
    const wanted = { ...seriesFilters(this.point.series), ...this.span(), reverse: true, limit: pageLimit(size) };
    for await (const page of this.reads.pages<QueryResponse>("query", wanted, this.options.signal)) {
      found.push(...this.datums(page.events));
      if (found.length >= size) break;
    }
    return found.slice(0, size).reverse();
  }

  /** All values if they are no more than `size`, else the extremes of half as many stretches. */
  async thinned(size: number): Promise<Datum[]> {
    const page = await this.columns(size);
    return page.nextKey == null ? this.rows(page) : this.extremes(Math.min(Math.max(1, size >> 1), BUCKETS_MAX));
  }

  /** All values, up to ROWS_MAX. */
  async all(): Promise<Datum[]> {
    const found: Datum[] = [];
    let afterKey: string | undefined;
    do {
      const page = await this.columns(ROWS_MAX - found.length, afterKey);
      found.push(...this.rows(page));
      afterKey = page.nextKey ?? undefined;
    } while (afterKey !== undefined && found.length < ROWS_MAX);
    if (afterKey !== undefined) console.warn(`NOVA: only the first ${ROWS_MAX} values of ${this.point.field} are shown`);
    return found;
  }

  private columns(limit: number, afterKey?: string): Promise<ColumnsResponse> {
    const wanted = { ...seriesParameters(this.point.series), ...this.span(), fields: [this.point.field], limit, afterKey };
    return this.reads.read<ColumnsResponse>("columns", wanted, this.options.signal);
  }

  private rows(page: ColumnsResponse): Datum[] {
    const { times, values } = rowsOf(page, [this.point.field]);
    const found = values.get(this.point.field) ?? [];
    return times.flatMap((ms, row) => this.datum(shownValue(found[row], this.field), ms));
  }

  private async extremes(buckets: number): Promise<Datum[]> {
    const wanted = { ...seriesParameters(this.point.series), ...this.span(), fields: [this.point.field], buckets };
    const reply = await this.reads.read<SampleResponse>("sample", wanted, this.options.signal);
    const [beginMs, widthMs] = [Date.parse(reply.startTime), reply.bucketNs / NS_PER_MS];
    const { min = [], max = [] } = reply.fields[0] ?? {};
    return min.flatMap((low, index) => {
      const [ms, high] = [beginMs + index * widthMs, max[index]];
      if (low == null || high == null) return [];
      return low === high ? this.datum(low, ms + widthMs / 2) : [...this.datum(low, ms), ...this.datum(high, ms + widthMs / 2)];
    });
  }

  /** A value at a time of the request's timebase; times outside of the range become its ends. */
  private datum(value: number | string | undefined, ms: number): Datum[] {
    const { start, end, domain } = this.options;
    return value === undefined ? [] : [{ value, [timebaseOf(domain)]: Math.min(Math.max(Math.floor(ms), start), end) }];
  }

  private datums(events: readonly unknown[]): Datum[] {
    return events.flatMap((event) => datumOf(event as StoredEvent, this.field) ?? []);
  }

  private span(): { startTime: string; stopTime: string; timebase: string } {
    const { start, end, domain } = this.options;
    return { startTime: timeText(start), stopTime: timeText(end), timebase: timebaseOf(domain) };
  }
}
