/** The fields of the selected entity that a panel can show. */

import { computed, signal } from "@preact/signals";
import type { FieldInfo } from "../../api/protocol";
import { entities, selectedEntity } from "../entities/entities";
import { sampledSeries } from "../entities/sampled_series";
import { entityKey } from "../values/event";
import type { PlotField } from "./plots";
import { requestFields } from "./sampling";

/** A field, the name of its series, and what its values are. */
export interface FieldChoice extends PlotField {
  label: string;
  kind: FieldInfo["kind"];
}

/** The fields of every kind; null while the request is pending. */
export const allFieldChoices = signal<readonly FieldChoice[] | null>(null);
/** Those that are numbers. */
export const fieldChoices = computed(() => allFieldChoices.value?.filter(({ kind }) => kind === "number") ?? null);

let requestCount = 0;

/** Request the fields of the selected entity's series. */
export async function refreshChoices(): Promise<void> {
  const mine = ++requestCount;
  allFieldChoices.value = null;
  const key = selectedEntity.value === null ? "" : entityKey(selectedEntity.value);
  const entity = entities.value?.find((one) => entityKey(one) === key);
  const all = entity === undefined ? [] : sampledSeries(entity);
  const found = await Promise.all(
    all.map(async (series) => {
      const label = `${series.lane} ${series.viewId ?? series.messageType}`;
      const fields = await requestFields(series);
      return fields.map(({ field, kind }) => ({ series, field, label, kind }));
    }),
  );
  if (mine === requestCount) allFieldChoices.value = found.flat();
}
