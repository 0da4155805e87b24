/** The fields of the selected entity that can be plotted. */

import { signal } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import type { SeriesName } from "../../api/series";
import { entities, selectedEntity } from "../entities/entities";
import { entityKey } from "../values/event";
import type { PlotField } from "./plots";
import { requestFields } from "./sampling";

/** A field, and the name of its series. */
export interface FieldChoice extends PlotField {
  label: string;
}

/** Null while the request is pending. */
export const fieldChoices = signal<readonly FieldChoice[] | null>(null);

let requestCount = 0;

/** Request the numeric fields of the selected entity's series. */
export async function refreshChoices(): Promise<void> {
  const mine = ++requestCount;
  fieldChoices.value = null;
  const key = selectedEntity.value === null ? "" : entityKey(selectedEntity.value);
  const entity = entities.value?.find((one) => entityKey(one) === key);
  const all = entity === undefined ? [] : sampledSeries(entity);
  const found = await Promise.all(
    all.map(async (series) => {
      const label = `${series.lane} ${series.viewId ?? series.messageType}`;
      const fields = await requestFields(series);
      return fields.filter(({ kind }) => kind === "number").map(({ field }) => ({ series, field, label }));
    }),
  );
  if (mine === requestCount) fieldChoices.value = found.flat();
}

/** The series of an entity that `sample` accepts. */
export function sampledSeries(entity: EntityInfo): SeriesName[] {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return entity.series.flatMap(({ lane, messageType, viewId }) => {
    if (lane !== "ui" && lane !== "parsed") return [];
    const view = viewId ? { viewId } : {};
    return [{ scopeId, systemId, containerId, uniqueId, lane, messageType: messageType ?? "", ...view }];
  });
}
