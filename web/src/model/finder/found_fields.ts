/** Fields that the finder looks through: those of cards are known, those of other series are requested. */

import { signal } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import type { FieldInfo, SeriesName } from "../../api/series";
import { cards } from "../cards/cards";
import { entities, selectedEntity } from "../entities/entities";
import { sampledSeries } from "../entities/sampled_series";
import { requestFields, seriesNameKey } from "../plots/sampling";
import { entityKey } from "../values/event";
import { wordsOf } from "./finder_items";

export interface FoundField extends FieldInfo {
  readonly series: SeriesName;
  /** Its title on a card; empty if it has none. */
  readonly title: string;
}

/** Series whose fields are requested for one text. */
export const LOOKED_UP_MAX_SERIES = 32;
const REQUESTS_MAX = 4;

/** Requested fields by series. */
const known = signal<ReadonlyMap<string, readonly FoundField[]>>(new Map());
/** How many series there are, and how many of them were looked through for the text. */
export const lookUp = signal({ series: 0, looked: 0 });

let requestCount = 0;

/** All fields that are known, each once: those of cards by their manifests, and the requested ones. */
export function foundFields(): readonly FoundField[] {
  const found = new Map<string, FoundField>();
  for (const field of [...cardFields(), ...[...known.value.values()].flat()]) {
    const key = `${seriesNameKey(field.series)} ${field.field}`;
    const before = found.get(key);
    found.set(key, before === undefined ? field : { ...field, title: before.title || field.title });
  }
  return [...found.values()];
}

function cardFields(): FoundField[] {
  // What the cards show changes all the time; which keys they have is read when something is typed.
  return [...cards.peek().values()].flatMap((one) => {
    const { view, manifest, cells } = one.peek();
    const { scopeId, systemId, containerId, uniqueId, viewId } = view;
    const series: SeriesName = { scopeId, systemId, containerId, uniqueId, lane: "ui", messageType: "UiUpdate", viewId };
    return [...cells].map(([field, { value }]) => ({
      series,
      field,
      kind: typeof value === "number" ? ("number" as const) : ("string" as const),
      title: manifest?.allowedKeys[field]?.title ?? "",
    }));
  });
}

/** Request the fields of the series that the text points at: of the selected entity, and of those it names. */
export async function lookUpFields(text: string): Promise<void> {
  const mine = ++requestCount;
  const all = seriesInOrder(text);
  const wanted = all.slice(0, LOOKED_UP_MAX_SERIES);
  lookUp.value = { series: all.length, looked: wanted.length };
  const left = wanted.filter((series) => !known.value.has(seriesNameKey(series)));
  const next = async (): Promise<void> => {
    for (let series = left.shift(); series !== undefined && mine === requestCount; series = left.shift()) await addFields(series);
  };
  await Promise.all(Array.from({ length: REQUESTS_MAX }, next));
}

/** Forget what was requested: entities get new fields. */
export function forgetFields(): void {
  requestCount++;
  known.value = new Map();
}

async function addFields(series: SeriesName): Promise<void> {
  const found = await requestFields(series);
  known.value = new Map(known.value).set(seriesNameKey(series), found.map((info) => ({ ...info, series, title: "" })));
}

/** The selected entity first, then those that have most of the words. */
function seriesInOrder(text: string): SeriesName[] {
  const words = wordsOf(text);
  const selected = selectedEntity.value === null ? "" : entityKey(selectedEntity.value);
  const counted = (entities.value ?? []).map((entity): [EntityInfo, number] => {
    const path = entityKey(entity);
    const isSelected = path === selected ? words.length + 1 : 0;
    return [entity, isSelected + words.filter((word) => path.toLowerCase().includes(word)).length];
  });
  counted.sort(([, left], [, right]) => right - left);
  return counted.flatMap(([entity]) => sampledSeries(entity));
}
