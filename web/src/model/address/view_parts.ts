/** The parts of the page's view that an address holds beside the moment: each as JSON that it can show again. */

import { alarmListing, type AlarmListing, alarmScope, alarmSeverity, alarmText, LISTINGS, type RuleSeverity, SEVERITIES } from "../alarms/alarm_list";
import { CARD_CHOICES, type CardChoice, cardChoice, cardSearch } from "../cards/card_list";
import { displayJson, displayOf, displayText } from "../displays/display_file";
import { display, isDefaultDisplay, keepDisplay, pageIndex, resetDisplay, showDisplay } from "../displays/open_display";
import { entitySearch } from "../entities/entities";
import { ALL_LANES } from "../entities/entity_tree";
import { isFrameShown } from "../events/frame_fields";
import { type InspectorRange, inspectorLanes, inspectorRange, inspectorSelectedOnly, inspectorType } from "../events/inspector";
import { activeTab, isNarrow, maximise, maximised, showTab } from "../layout/layout_store";
import { openSearches, searchLink, searchText } from "../search/search_link";
import { expectObject } from "../values/json_check";
import type { Lane } from "../values/event";

export interface ViewPart {
  /** Its member of the view. */
  readonly name: string;
  /** Its words in a message. */
  readonly what: string;
  /** As JSON; undefined where it is as a page begins. */
  readonly read: () => unknown;
  /** Show what `read` gave; undefined is the begin. Throws an Error that says what is wrong with it. */
  readonly show: (value: unknown) => void;
  /** Store it for a user, under its name; absent if the browser keeps nothing of it. */
  readonly keep?: (user: string) => void;
  /** Whether a value is what is kept already; only where something is. */
  readonly isOwn?: (value: unknown) => boolean;
}

const RANGES: readonly InspectorRange[] = ["clock", "visible", "selection", "ahead", "late"];
/** What users have who have chosen nothing: the instance's default. */
const DEFAULT = "initial";

const displayPart: ViewPart = {
  name: "display",
  what: "the layout and plots",
  keep: keepDisplay,
  isOwn: isShownDisplay,
  read: () => (isDefaultDisplay() ? DEFAULT : displayJson(display.value)),
  show: (value) => {
    if (value === DEFAULT) resetDisplay();
    else if (value !== undefined && !isShownDisplay(value)) showDisplay(displayOf(value, "keep"), null);
  },
};

const pagePart: ViewPart = {
  name: "page",
  what: "the page of the display",
  read: () => (pageIndex.value === 0 ? undefined : pageIndex.value),
  show: (value = 0) => {
    if (typeof value !== "number" || display.value.pages[value] === undefined) throw new Error("page: the display has no such page");
    pageIndex.value = value;
  },
};

const maximisedPart: ViewPart = {
  name: "maximised",
  what: "the panel that fills the page",
  read: () => maximised.value?.id,
  show: (value) => maximise(typeof value === "string" ? value : null),
};

const cardsPart: ViewPart = {
  name: "cards",
  what: "the choice of cards",
  read: () => (cardChoice.value === "system" && cardSearch.value === "" ? undefined : { choice: cardChoice.value, search: cardSearch.value }),
  show: (value = {}) => {
    const { choice = "system", search = "" } = expectObject(value, "cards");
    cardChoice.value = oneOf(choice, Object.keys(CARD_CHOICES) as CardChoice[], "cards.choice");
    cardSearch.value = String(search);
  },
};

const eventsPart: ViewPart = {
  name: "events",
  what: "the filters of events",
  read: () => {
    const found = { range: inspectorRange.value, lanes: [...inspectorLanes.value], all: !inspectorSelectedOnly.value, type: inspectorType.value };
    const isBegin = found.range === "clock" && found.lanes.length === 0 && !found.all && found.type === "" && !isFrameShown.value;
    return isBegin ? undefined : { ...found, ...(isFrameShown.value ? { frame: true } : {}) };
  },
  show: (value = {}) => {
    const { range = "clock", lanes = [], all = false, type = "", frame = false } = expectObject(value, "events");
    inspectorRange.value = oneOf(range, RANGES, "events.range");
    inspectorLanes.value = new Set((lanes as unknown[]).map((lane) => oneOf<Lane>(lane, ALL_LANES, "events.lanes")));
    [inspectorSelectedOnly.value, inspectorType.value, isFrameShown.value] = [all !== true, String(type), frame === true];
  },
};

const alarmsPart: ViewPart = {
  name: "alarms",
  what: "the filters of alarms",
  read: () => {
    const found = { listing: alarmListing.value, text: alarmText.value, severity: alarmSeverity.value, scope: alarmScope.value };
    return found.listing === "active" && found.text + found.severity + found.scope === "" ? undefined : found;
  },
  show: (value = {}) => {
    const { listing = "active", text = "", severity = "", scope = "" } = expectObject(value, "alarms");
    alarmListing.value = oneOf(listing, Object.keys(LISTINGS) as AlarmListing[], "alarms.listing");
    alarmSeverity.value = oneOf<RuleSeverity | "">(severity, ["", ...SEVERITIES], "alarms.severity");
    [alarmText.value, alarmScope.value] = [String(text), String(scope)];
  },
};

const entitiesPart: ViewPart = {
  name: "entities",
  what: "the search of entities",
  read: () => (entitySearch.value === "" ? undefined : entitySearch.value),
  show: (value = "") => (entitySearch.value = String(value)),
};

/** On a narrow screen one panel is shown. A wide one shows all, whatever the link says. */
const tabPart: ViewPart = {
  name: "tab",
  what: "the panel of a narrow screen",
  read: () => (isNarrow.value ? activeTab.value?.id : undefined),
  show: (value) => {
    if (value !== undefined) showTab(String(value));
  },
};

/** Searches that are too long for a name of their own in the address. */
const searchesPart: ViewPart = {
  name: "searches",
  what: "the searches",
  read: () => (searchLink() === null ? (searchText() ?? undefined) : undefined),
  show: (value) => {
    if (typeof value === "string") openSearches(value);
  },
};

export const VIEW_PARTS: readonly ViewPart[] = [
  displayPart,
  pagePart,
  maximisedPart,
  cardsPart,
  eventsPart,
  alarmsPart,
  entitiesPart,
  tabPart,
  searchesPart,
];

function isShownDisplay(value: unknown): boolean {
  return normalText(value) === normalText(isDefaultDisplay() ? DEFAULT : displayJson(display.value));
}

/** A display as it is written after it was read; what cannot be read equals nothing. */
function normalText(value: unknown): string {
  try {
    return value === DEFAULT ? DEFAULT : displayText(displayOf(value, "keep"));
  } catch {
    return JSON.stringify(value);
  }
}

function oneOf<T extends string>(value: unknown, all: readonly T[], name: string): T {
  const found = all.find((one) => one === value);
  if (found === undefined) throw new Error(`${name}: must be one of ${all.filter((one) => one !== "").join(", ")}`);
  return found;
}
