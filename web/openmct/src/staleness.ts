/** Whether a series has been silent for longer than usual, in receive time. */

import type { QueryResponse } from "../../src/api/protocol";
import type { SeriesName } from "../../src/api/series";
import type { StoredEvent } from "../../src/model/values/event";
import { Cadence } from "../../src/model/values/freshness";
import type { Catalog } from "./catalog";
import type { EdgeReads } from "./edge_reads";
import { isPoint, pointOfObject } from "./identifiers";
import type { LiveSocket } from "./live_socket";
import type { DomainObject, Staleness, TelemetryProvider } from "./openmct";
import { seriesFilters } from "./series_parameters";

/** From so many of the newest events the usual interval is learnt. */
const LEARNT_EVENTS = 16;
const CHECK_MS = 1_000;
const MS_PER_S = 1_000;

export function staleness(reads: EdgeReads, catalog: Catalog, live: LiveSocket): TelemetryProvider {
  return {
    supportsStaleness: isPoint,
    isStale: async (object: DomainObject) => (await SeriesSilence.read(reads, catalog, pointOfObject(object).series)).at(Date.now()),
    subscribeToStaleness: (object: DomainObject, callback: (staleness: Staleness) => void) => {
      const { series } = pointOfObject(object);
      let silence: SeriesSilence | undefined;
      let told: boolean | undefined;
      const check = () => {
        const found = silence?.at(Date.now());
        if (found === undefined || found.isStale === told) return;
        told = found.isStale;
        callback(found);
      };
      void SeriesSilence.read(reads, catalog, series).then((found) => (silence = found));
      const unwatch = live.watch(series, (event) => {
        silence?.receive(event);
        check();
      });
      const checking = setInterval(check, CHECK_MS);
      return () => {
        unwatch();
        clearInterval(checking);
      };
    },
  };
}

/** When the last event of a series was received, and how long its silences usually are. */
export class SeriesSilence {
  private readonly cadence = new Cadence();
  private newestMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly staleAfterS: number | undefined) {}

  static async read(reads: EdgeReads, catalog: Catalog, series: SeriesName): Promise<SeriesSilence> {
    const newest = { ...seriesFilters(series), timebase: "canonical", reverse: true, limit: LEARNT_EVENTS };
    const [{ events }, known] = await Promise.all([reads.read<QueryResponse>("query", newest), catalog.fields(series)]);
    const found = new SeriesSilence(known.staleAfterS);
    for (const event of [...events].reverse()) found.receive(event as StoredEvent);
    return found;
  }

  receive(event: Pick<StoredEvent, "canonicalTruthTime">): void {
    const ms = Date.parse(event.canonicalTruthTime);
    this.cadence.add(ms);
    this.newestMs = Math.max(this.newestMs, ms);
  }

  at(nowMs: number): Staleness {
    const afterMs = this.staleAfterS === undefined ? this.cadence.staleAfterMs(this.newestMs) : this.staleAfterS * MS_PER_S;
    return { isStale: nowMs - this.newestMs > afterMs, source: nowMs, canonical: nowMs };
  }
}
