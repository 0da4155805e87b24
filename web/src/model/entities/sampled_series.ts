/** The series of an entity that have fields. */

import type { EntityInfo } from "../../api/protocol";
import type { SeriesName } from "../../api/series";

/** The series of an entity that `sample` accepts. */
export function sampledSeries(entity: EntityInfo): SeriesName[] {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return entity.series.flatMap(({ lane, messageType, viewId }) => {
    if (lane !== "ui" && lane !== "parsed") return [];
    const view = viewId ? { viewId } : {};
    return [{ scopeId, systemId, containerId, uniqueId, lane, messageType: messageType ?? "", ...view }];
  });
}
