/** The finder: one box for entities, fields, commands, panels, actions and times. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cards } from "../cards/cards";
import { cursor, seek } from "../clock/clock";
import { typedTime } from "../clock/typed_time";
import { openForm } from "../commands/command_panel";
import { catalogOf } from "../commands/command_catalog";
import { entities, selectEntity } from "../entities/entities";
import { entityName } from "../entities/entity_names";
import { allPanels } from "../layout/layout";
import { addPanel, layout, showInstance, showPanel } from "../layout/layout_store";
import { kindsToAdd, panelTitle } from "../panels/panel_kinds";
import { addField, isPlotted } from "../plots/plots";
import { seriesNameKey } from "../plots/sampling";
import { searchKind, searchOpen, submitForm, text as searchText } from "../search/search_form";
import { showToast } from "../page/toast";
import { fitEntity } from "../timeline/fit_entity";
import { goToPresent } from "../timeline/timeline_sync";
import { entityKey } from "../values/event";
import { formatTime } from "../values/time";
import { type FinderItem, sectionsOf, wordsOf } from "./finder_items";
import { type FoundField, forgetFields, foundFields, LOOKED_UP_MAX_SERIES, lookUp, lookUpFields } from "./found_fields";

/** Typing rests for this long before fields are requested. */
const LOOK_UP_REST_MS = 150;
/** So much of the text is repeated in what is offered. */
const SHOWN_MAX_CHARS = 80;
const FIT_WORD = "fit";

export const finderOpen = signal(false);
export const finderText = signal("");
/** Why fields could not be looked through; empty if they were. */
export const finderError = signal("");
/** What the page offers beside: its shortcuts and dialogs. */
export const pageActions = signal<readonly FinderItem[]>([]);

const rest = scheduler.slot();

/** What is offered for the text, by group. Without a text there are only actions and panels. */
export const finderSections = computed(() => {
  const text = finderText.value.trim();
  if (!finderOpen.value) return [];
  if (text === "") return sectionsOf([...panelItems(), ...pageActions.value], "", Number.POSITIVE_INFINITY);
  const named = [...entityItems(), ...fitItems(text), ...fieldItems(), ...commandItems(), ...panelItems(), ...pageActions.value];
  return [...timeSection(text), ...sectionsOf(named, text), searchSection(text)];
});

/** How far the fields were looked through; empty if of all series. */
export const finderNote = computed(() => {
  const { series, looked } = lookUp.value;
  if (finderText.value.trim() === "" || looked >= series) return "";
  return `Fields of ${LOOKED_UP_MAX_SERIES} of ${series.toLocaleString("en")} series are looked through, and of all cards: type a part of the entity's name too.`;
});

export function openFinder(): void {
  finderText.value = "";
  finderError.value = "";
  forgetFields();
  finderOpen.value = true;
}

export function closeFinder(): void {
  rest.cancel();
  finderOpen.value = false;
}

/** Look fields up when typing rests. Call once. */
export function startFinder(): void {
  effect(() => {
    const text = finderText.value;
    if (!finderOpen.value || text.trim() === "") return;
    rest.restart(LOOK_UP_REST_MS, () => {
      lookUpFields(text).then(
        () => (finderError.value = ""),
        (error: Error) => (finderError.value = `Fields could not be looked through: ${error.message}`),
      );
    });
  });
}

function timeSection(text: string) {
  const found = untracked(() => typedTime(text, cursor.value, Date.now()));
  if ("fault" in found) return [];
  const go = "time" in found ? () => seek(found.time) : goToPresent;
  const name = "time" in found ? `Go to ${formatTime(found.time)} UTC` : "Go LIVE";
  const item: FinderItem = { key: "time", group: "Time", name, detail: text.slice(0, SHOWN_MAX_CHARS), act: go };
  return [{ group: item.group, items: [item], more: 0 }];
}

function searchSection(text: string) {
  const act = () => {
    [searchKind.value, searchText.value, searchOpen.value] = ["text", text, true];
    submitForm(false);
  };
  const isLong = text.length > SHOWN_MAX_CHARS;
  const name = `Search events for “${isLong ? `${text.slice(0, SHOWN_MAX_CHARS)}…` : text}”`;
  const item: FinderItem = { key: "search", group: "Search", name, detail: "", hint: "in the panel of searches", act };
  return { group: item.group, items: [item], more: 0 };
}

function entityItems(): FinderItem[] {
  return (entities.value ?? []).map((entity) => ({
    key: `entity ${entityKey(entity)}`,
    group: "Entities",
    name: entityName(entity),
    detail: entityKey(entity),
    act: () => selectEntity(entity),
  }));
}

/** Only for who types the word: each entity has one. */
function fitItems(text: string): FinderItem[] {
  if (!wordsOf(text).includes(FIT_WORD)) return [];
  return (entities.value ?? []).map((entity) => ({
    key: `fit ${entityKey(entity)}`,
    group: "Entities",
    name: `${FIT_WORD} ${entityName(entity)}`,
    detail: entityKey(entity),
    hint: "show all of its data",
    act: () => void fitEntity(entity),
  }));
}

function fieldItems(): FinderItem[] {
  return foundFields().map((found) => {
    const isNumber = found.kind === "number";
    const where = `${entityKey(found.series)} ${found.series.viewId ?? found.series.messageType}`;
    return {
      key: `field ${seriesNameKey(found.series)} ${found.field}`,
      group: "Fields",
      name: found.title === "" || found.title === found.field ? found.field : `${found.title} (${found.field})`,
      detail: where,
      hint: isNumber ? "plot it" : "show its values",
      act: () => showField(found),
    };
  });
}

/** A number becomes a line of a plot; other fields are among the values of their entity. */
function showField(found: FoundField): void {
  if (found.kind !== "number") {
    selectEntity(found.series);
    showPanel("values");
    return;
  }
  const line = { series: found.series, field: found.field };
  showToast(isPlotted(line) ? `${found.field} is plotted already.` : `${found.field} is plotted.`);
  if (!isPlotted(line)) addField(line);
  showPanel("plots");
}

/** The commands of all entities that have some: by their cards, and by their descriptors. */
function commandItems(): FinderItem[] {
  const commanded = new Set<string>();
  for (const one of cards.peek().values()) {
    const { view, manifest } = one.peek();
    if ((manifest?.actions ?? []).length > 0) commanded.add(entityKey(view));
  }
  const found = (entities.value ?? []).filter(
    (entity) => commanded.has(entityKey(entity)) || entity.descriptor?.capabilities.some((one) => one.startsWith("command:")) === true,
  );
  return untracked(() =>
    found.flatMap((entity) =>
      catalogOf(entity).map(({ action, reason }) => ({
        key: `command ${entityKey(entity)} ${action.commandType}`,
        group: "Commands" as const,
        name: action.title,
        detail: `${action.commandType} to ${entityKey(entity)}`,
        hint: reason === "" ? "open its form" : "not accepted: why is in its form",
        act: () => openForm(entity, action),
      })),
    ),
  );
}

/** The panels of the page, and one more of each kind that it may have more of. */
function panelItems(): FinderItem[] {
  const item = (key: string, name: string, hint: string, act: () => void, detail = "panel"): FinderItem => ({ key, group: "Panels", name, detail, hint, act });
  return [
    ...allPanels(layout.value).map((panel) => item(`panel ${panel.id}`, panelTitle(panel), "show it", () => showInstance(panel))),
    ...kindsToAdd(layout.value).map(({ kind, title }) => item(`new panel ${kind}`, `New panel: ${title}`, "add it to the page", () => addPanel(kind), "add a panel")),
  ];
}
