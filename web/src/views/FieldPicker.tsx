/** The numeric fields of the selected entity, to add to a plot. */

import { useEffect, useState } from "preact/hooks";
import { selectedEntity } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { type FieldChoice, fieldChoices, refreshChoices } from "../model/plots/field_choices";
import { addField, isPlotted } from "../model/plots/plots";
import { entityKey } from "../model/values/event";
import { ErrorNotice } from "./Pane";

export function FieldPicker({ close }: { close: () => void }) {
  const entity = selectedEntity.value;
  const key = entity === null ? "" : entityKey(entity);
  const [error, setError] = useState("");
  const [filter, setFilter] = useState("");
  useEffect(() => {
    refreshChoices().then(
      () => setError(""),
      (reason: Error) => setError(reason.message),
    );
  }, [key]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && close();
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const found = (fieldChoices.value ?? []).filter(({ field }) => field.toLowerCase().includes(filter.trim().toLowerCase()));
  return (
    <div class="picker" role="group" aria-label="Fields that can be plotted" data-testid="field-picker">
      <div class="picker-head">
        <strong>{entity === null ? "No entity selected" : entityName(entity)}</strong>
        <input
          type="search"
          placeholder="Filter fields"
          aria-label="Filter fields that can be plotted"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <button type="button" onClick={close}>
          Done
        </button>
      </div>
      <ErrorNotice text={error} />
      {entity === null ? (
        <p class="muted">Select an entity in the tree.</p>
      ) : fieldChoices.value === null ? (
        <p class="muted">Loading fields…</p>
      ) : found.length === 0 ? (
        <p class="muted">{filter === "" ? "It has no numeric fields." : `No field matches “${filter}”.`}</p>
      ) : (
        <ul>{found.map((choice) => <OneChoice key={`${choice.label} ${choice.field}`} choice={choice} />)}</ul>
      )}
    </div>
  );
}

function OneChoice({ choice }: { choice: FieldChoice }) {
  const isThere = isPlotted(choice);
  return (
    <li>
      <button
        type="button"
        // Not disabled: that would remove the focus from the button that was just pressed.
        aria-disabled={isThere}
        data-testid="choice"
        data-field={choice.field}
        onClick={() => !isThere && addField(choice)}
      >
        <span>{choice.field}</span>
        <span class="muted">{isThere ? "plotted" : choice.label}</span>
      </button>
    </li>
  );
}
