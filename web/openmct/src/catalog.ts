/** What there is in an archive: entities, their fields, and what manifests say of these. */

import type { CardManifest, DiscoverResponse, EntityInfo, FieldInfo, FieldsResponse, KeySpec, LatestResponse } from "../../src/api/protocol";
import type { SeriesName } from "../../src/api/series";
import { manifestKeySpec } from "../../src/model/cards/manifest_keys";
import { sampledSeries } from "../../src/model/entities/sampled_series";
import { seriesNameKey } from "../../src/model/values/field_ref";
import type { EdgeReads } from "./edge_reads";
import { seriesFilters, seriesParameters } from "./series_parameters";

/** How long a reply is used: trees ask for the same again and again. */
export const KEPT_MS = 10_000;

/** A field of a series, and what its manifest says of it. */
export interface KnownField extends FieldInfo {
  readonly spec: KeySpec;
}

/** The fields of a series, and after how long a silence its manifest calls it stale. */
export interface KnownSeries {
  readonly fields: readonly KnownField[];
  readonly staleAfterS: number | undefined;
}

interface Found {
  readonly entities: readonly EntityInfo[];
  readonly manifests: readonly CardManifest[];
}

interface Kept<T> {
  readonly untilMs: number;
  readonly value: Promise<T>;
}

export class Catalog {
  private found: Kept<Found> | undefined;
  private readonly series = new Map<string, Kept<KnownSeries>>();

  constructor(
    private readonly reads: EdgeReads,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** The entities with fields. */
  async entities(): Promise<readonly EntityInfo[]> {
    return (await this.all()).entities;
  }

  /** The fields of a series. */
  fields(series: SeriesName): Promise<KnownSeries> {
    const key = seriesNameKey(series);
    const kept = this.series.get(key);
    if (kept !== undefined && kept.untilMs > this.nowMs()) return kept.value;
    const value = this.readFields(series);
    this.series.set(key, { untilMs: this.nowMs() + KEPT_MS, value });
    value.catch(() => this.series.delete(key));
    return value;
  }

  private all(): Promise<Found> {
    if (this.found !== undefined && this.found.untilMs > this.nowMs()) return this.found.value;
    const value = this.readAll();
    this.found = { untilMs: this.nowMs() + KEPT_MS, value };
    value.catch(() => (this.found = undefined));
    return value;
  }

  private async readAll(): Promise<Found> {
    const entities: EntityInfo[] = [];
    const manifests: CardManifest[] = [];
    for await (const page of this.reads.pages<DiscoverResponse>("entities", { format: "json" })) {
      entities.push(...page.entities.filter((one) => sampledSeries(one).length > 0));
      manifests.push(...(page.manifests ?? []));
    }
    return { entities, manifests };
  }

  private async readFields(series: SeriesName): Promise<KnownSeries> {
    const [{ fields }, manifest] = await Promise.all([
      this.reads.read<FieldsResponse>("fields", seriesParameters(series)),
      this.manifestOf(series),
    ]);
    const known = fields.map((one) => ({ ...one, spec: manifestKeySpec(manifest, one.field) }));
    return { fields: known, staleAfterS: manifest?.layout?.staleAfterS ?? undefined };
  }

  /** The manifest that the newest update of a view names. */
  private async manifestOf(series: SeriesName): Promise<CardManifest | undefined> {
    if (series.lane !== "ui") return undefined;
    const { events } = await this.reads.read<LatestResponse>("latest", seriesFilters(series));
    const named = events.at(-1) as { manifestId?: string; manifestVersion?: string } | undefined;
    const { manifests } = await this.all();
    return manifests.find((one) => one.manifestId === named?.manifestId && one.manifestVersion === named.manifestVersion);
  }
}
