/** Which fields of the chosen entity can be plotted. */

import { signal } from "@preact/signals";
import type { EntityInfo } from "../api/protocol";
import type { SeriesName } from "../api/sampling";
import { entities, selected } from "./entities";
import { entityKey } from "./event";
import type { PlotField } from "./plots";
import { askFields } from "./sampling";

/** A field, and how its series is called. */
export interface Choice extends PlotField {
  label: string;
}

/** Null while they are asked for. */
export const fieldChoices = signal<readonly Choice[] | null>(null);

let asked = 0;

/** Ask for the numeric fields of the chosen entity's series. */
export async function refreshChoices(): Promise<void> {
  const mine = ++asked;
  fieldChoices.value = null;
  const key = selected.value === null ? "" : entityKey(selected.value);
  const entity = entities.value?.find((one) => entityKey(one) === key);
  const all = entity === undefined ? [] : sampledSeries(entity);
  const found = await Promise.all(
    all.map(async (series) => {
      const label = `${series.lane} ${series.viewId ?? series.messageType}`;
      const fields = await askFields(series);
      return fields.filter(({ kind }) => kind === "number").map(({ field }) => ({ series, field, label }));
    }),
  );
  if (mine === asked) fieldChoices.value = found.flat();
}

/** The series of an entity that `sample` knows. */
export function sampledSeries(entity: EntityInfo): SeriesName[] {
  const { scopeId, systemId, containerId, uniqueId } = entity;
  return entity.series.flatMap(({ lane, messageType, viewId }) => {
    if (lane !== "ui" && lane !== "parsed") return [];
    const view = viewId ? { viewId } : {};
    return [{ scopeId, systemId, containerId, uniqueId, lane, messageType: messageType ?? "", ...view }];
  });
}
