/** How a series is named in requests: as of its own, and as filters of events. */

import type { SeriesName } from "../../src/api/series";
import type { Parameters } from "./edge_reads";

/** The parameters by which `columns`, `sample` and `fields` name a series. */
export function seriesParameters({ scopeId, systemId, containerId, uniqueId, lane, messageType, viewId }: SeriesName): Parameters {
  return { scopeId, systemId, containerId, uniqueId, lane, messageType, viewId };
}

/** The filters that select its events. */
export function seriesFilters({ scopeId, systemId, containerId, uniqueId, lane, messageType, viewId }: SeriesName): Parameters {
  const types = messageType === "" ? {} : { messageTypes: [messageType] };
  return { scopeIds: [scopeId], lanes: [lane], systemId, containerId, uniqueId, viewId, ...types };
}

/** Whether an event is of the series. */
export function isOfSeries(event: EventNames, series: SeriesName): boolean {
  return (
    event.uniqueId === series.uniqueId &&
    event.lane === series.lane &&
    event.scopeId === series.scopeId &&
    event.systemId === series.systemId &&
    event.containerId === series.containerId &&
    (event.viewId ?? "") === (series.viewId ?? "") &&
    (series.messageType === "" || event.messageType === series.messageType)
  );
}

interface EventNames {
  scopeId: string;
  lane: string;
  systemId: string;
  containerId: string;
  uniqueId: string;
  messageType?: string;
  viewId?: string;
}
