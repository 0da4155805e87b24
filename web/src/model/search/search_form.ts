/** The form of a search: what is typed, the fields that can be chosen, and why it cannot be searched. */

import { computed, signal } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import { entities, selectedEntity } from "../entities/entities";
import { sampledSeries } from "../entities/sampled_series";
import { requestFields } from "../plots/sampling";
import { type Entity, entityKey } from "../values/event";
import { type Comparison, comparisonsOf, type FieldKind, type FieldSpec, type SearchSpec, type TextSource } from "./search_spec";
import { startSearch } from "./searches";

/** A field of the entity, and the name of its series. */
export interface FieldOption {
  readonly key: string;
  readonly series: FieldSpec["series"];
  readonly field: string;
  readonly kind: FieldKind;
  readonly label: string;
}

/** Entities that the list of suggestions has at most: typing narrows them. */
export const SUGGESTED_MAX = 100;

export const searchOpen = signal(false);
export const searchKind = signal<SearchSpec["kind"]>("field");
/** The entity as it was typed; null means the one that is selected in the tree. */
export const typedEntity = signal<string | null>(null);
export const fieldKeyChosen = signal("");
export const comparison = signal<Comparison>("above");
export const value = signal("");
export const samples = signal("");
export const seconds = signal("");
export const text = signal("");
export const sources = signal<readonly TextSource[]>(["events", "chat", "commands"]);
/** Why the search was not started; empty if it was. */
export const formFault = signal("");

/** Null while they are requested. */
export const fieldOptions = signal<readonly FieldOption[] | null>(null);
export const fieldsError = signal("");

/** What stands in the box of the entity. */
export const entityText = computed(() => typedEntity.value ?? (selectedEntity.value === null ? "" : entityKey(selectedEntity.value)));

/** The entity of the form: by its key or, if only one has it, by its uniqueId. */
export const formEntity = computed<EntityInfo | undefined>(() => {
  const typed = entityText.value.trim();
  const all = entities.value ?? [];
  const exact = all.find((one) => entityKey(one) === typed);
  if (exact !== undefined) return exact;
  const named = all.filter((one) => one.uniqueId === typed);
  return named.length === 1 ? named[0] : undefined;
});

/** Entities with values, of which the typed text is a part. */
export const suggestedEntities = computed(() => {
  const typed = typedEntity.value?.trim().toLowerCase() ?? "";
  const keys = (entities.value ?? []).filter((one) => sampledSeries(one).length > 0).map((one) => entityKey(one));
  return keys.filter((key) => key.toLowerCase().includes(typed)).slice(0, SUGGESTED_MAX);
});

export const chosenField = computed(() => fieldOptions.value?.find(({ key }) => key === fieldKeyChosen.value));

/** The comparison, or the first one that the field's values have. */
export const formComparison = computed<Comparison>(() => {
  const possible = comparisonsOf(chosenField.value?.kind ?? "number");
  return possible.includes(comparison.value) ? comparison.value : (possible[0] as Comparison);
});

let requestCount = 0;

/** Request the fields of the form's entity. */
export async function refreshFieldOptions(): Promise<void> {
  const mine = ++requestCount;
  const entity = formEntity.value;
  fieldOptions.value = null;
  fieldsError.value = "";
  try {
    const found = await Promise.all((entity === undefined ? [] : sampledSeries(entity)).map(optionsOf));
    if (mine === requestCount) fieldOptions.value = found.flat();
  } catch (error) {
    if (mine === requestCount) [fieldOptions.value, fieldsError.value] = [[], (error as Error).message];
  }
}

async function optionsOf(series: FieldSpec["series"]): Promise<FieldOption[]> {
  const label = `${series.lane} ${series.viewId ?? series.messageType}`;
  const fields = await requestFields(series);
  return fields.map(({ field, kind }) => ({ key: `${label} ${field}`, series, field, kind, label }));
}

/** What the form searches for, or why it does not. */
export function formSpec(): SearchSpec | string {
  if (searchKind.value === "text") return { kind: "text", text: text.value, sources: sources.value };
  if (entityText.value.trim() === "") return "Choose an entity: type its name, or select it in the tree.";
  if (formEntity.value === undefined) return `No entity is called “${entityText.value.trim()}”: choose one of the list.`;
  const chosen = chosenField.value;
  if (chosen === undefined) return "Choose a field of the entity.";
  return {
    kind: "field",
    series: chosen.series,
    field: chosen.field,
    fieldKind: chosen.kind,
    comparison: formComparison.value,
    value: value.value,
    samples: samples.value,
    seconds: seconds.value,
  };
}

/** Start the search of the form, alone or beside the others. */
export function submitForm(isAdded: boolean): void {
  const spec = formSpec();
  formFault.value = typeof spec === "string" ? spec : (startSearch(spec, isAdded) ?? "");
}

/** Put a search back into the form. */
export function editSpec(spec: SearchSpec): void {
  searchKind.value = spec.kind;
  if (spec.kind === "text") {
    [text.value, sources.value] = [spec.text, spec.sources];
    return;
  }
  typedEntity.value = entityKey(spec.series as Entity);
  fieldKeyChosen.value = `${spec.series.lane} ${spec.series.viewId ?? spec.series.messageType} ${spec.field}`;
  [comparison.value, value.value, samples.value, seconds.value] = [spec.comparison, spec.value, spec.samples, spec.seconds];
}

export function toggleSource(source: TextSource): void {
  const has = sources.value.includes(source);
  sources.value = has ? sources.value.filter((one) => one !== source) : [...sources.value, source];
}
