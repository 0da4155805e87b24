/** The filters of the event inspector. */

import { useState } from "preact/hooks";
import { entities, selectedEntity } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { ALL_LANES } from "../model/entities/entity_tree";
import {
  hasLate,
  inspectorLanes,
  type InspectorRange,
  inspectorRange,
  inspectorSelectedOnly,
  inspectorType,
  toggleLane,
} from "../model/events/inspector";
import { entityKey } from "../model/values/event";

const RANGES: readonly [InspectorRange, string][] = [
  ["clock", "up to the clock"],
  ["visible", "visible span"],
  ["selection", "selection"],
  ["ahead", "dated ahead"],
  ["late", "after the link"],
];

export function InspectorFilters() {
  return (
    <div class="filters" role="group" aria-label="Filters of events">
      <div class="chips" role="group" aria-label="Lanes">
        {ALL_LANES.map((lane) => (
          <button
            key={lane}
            type="button"
            class={`chip-lane ${lane}`}
            aria-pressed={inspectorLanes.value.has(lane)}
            data-testid={`lane-${lane}`}
            onClick={() => toggleLane(lane)}
          >
            {lane}
          </button>
        ))}
      </div>
      <select
        aria-label="Of which entity"
        data-testid="event-entity"
        value={inspectorSelectedOnly.value ? "chosen" : "all"}
        onChange={(event) => (inspectorSelectedOnly.value = event.currentTarget.value === "chosen")}
      >
        <option value="chosen">{selectedEntity.value === null ? "selected entity" : entityName(selectedEntity.value)}</option>
        <option value="all">all entities</option>
      </select>
      <TypeFilter />
      <select
        aria-label="Which times"
        data-testid="event-range"
        value={inspectorRange.value}
        onChange={(event) => (inspectorRange.value = event.currentTarget.value as InspectorRange)}
      >
        {RANGES.filter(([name]) => name !== "late" || hasLate.value || inspectorRange.value === "late").map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The messageType; it is queried when typing is finished, by Enter or by leaving the field. */
function TypeFilter() {
  const [text, setText] = useState(inspectorType.value);
  return (
    <>
      <input
        type="search"
        class="type-filter"
        list="message-types"
        placeholder="any type"
        aria-label="Message type"
        data-testid="event-type"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          if (event.currentTarget.value === "") inspectorType.value = "";
        }}
        onChange={() => (inspectorType.value = text)}
      />
      <datalist id="message-types">
        {typesThere().map((type) => (
          <option key={type} value={type} />
        ))}
      </datalist>
    </>
  );
}

function typesThere(): string[] {
  const key = inspectorSelectedOnly.value && selectedEntity.value !== null ? entityKey(selectedEntity.value) : null;
  const all = entities.value ?? [];
  const of = key === null ? all : all.filter((entity) => entityKey(entity) === key);
  return [...new Set(of.flatMap(({ series }) => series.map((one) => one.messageType ?? "")))].filter((type) => type !== "").slice(0, 200);
}
