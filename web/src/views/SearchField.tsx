/** The part of the search's form for a field: its entity, the condition and a duration. */

import { useEffect } from "preact/hooks";
import {
  chosenField,
  comparison,
  entityText,
  fieldKeyChosen,
  fieldOptions,
  fieldsError,
  formComparison,
  formEntity,
  refreshFieldOptions,
  samples,
  seconds,
  suggestedEntities,
  typedEntity,
  value,
} from "../model/search/search_form";
import { type Comparison, COMPARISONS, comparisonsOf, hasDuration, hasSamples, hasValue } from "../model/search/search_spec";
import { entityKey } from "../model/values/event";

export function FieldInputs() {
  const key = formEntity.value === undefined ? "" : entityKey(formEntity.value);
  useEffect(() => {
    void refreshFieldOptions();
  }, [key]);
  return (
    <>
      <div class="search-row">
        <input
          type="search"
          class="wide"
          list="search-entities"
          placeholder="Entity"
          aria-label="Entity to search"
          data-testid="search-entity"
          data-first
          value={entityText.value}
          onInput={(event) => (typedEntity.value = event.currentTarget.value)}
        />
        <datalist id="search-entities">
          {suggestedEntities.value.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </div>
      <div class="search-row">
        <Fields />
        <select
          aria-label="Condition"
          data-testid="search-comparison"
          value={formComparison.value}
          onChange={(event) => (comparison.value = event.currentTarget.value as Comparison)}
        >
          {comparisonsOf(chosenField.value?.kind ?? "number").map((one) => (
            <option key={one} value={one}>
              {COMPARISONS[one]}
            </option>
          ))}
        </select>
        {hasValue(formComparison.value) && (
          <input
            class="short"
            placeholder="value"
            aria-label="Value"
            data-testid="search-value"
            value={value.value}
            onInput={(event) => (value.value = event.currentTarget.value)}
          />
        )}
      </div>
      {hasDuration(formComparison.value) && <Duration />}
    </>
  );
}

function Fields() {
  const all = fieldOptions.value;
  const none = all === null ? "Loading fields…" : fieldsError.value !== "" ? fieldsError.value : all.length === 0 ? "It has no fields" : "Choose a field";
  const labels = [...new Set((all ?? []).map(({ label }) => label))];
  return (
    <select
      class="wide"
      aria-label="Field"
      data-testid="search-field"
      value={chosenField.value?.key ?? ""}
      onChange={(event) => (fieldKeyChosen.value = event.currentTarget.value)}
    >
      <option value="">{none}</option>
      {labels.map((label) => (
        <optgroup key={label} label={label}>
          {(all ?? [])
            .filter((one) => one.label === label)
            .map(({ key, field }) => (
              <option key={key} value={key}>
                {field}
              </option>
            ))}
        </optgroup>
      ))}
    </select>
  );
}

function Duration() {
  const isGap = !hasSamples(formComparison.value);
  return (
    <div class="search-row">
      <label>
        {isGap ? "longer than" : "for at least"}
        <input
          class="short"
          inputMode="decimal"
          data-testid="search-seconds"
          value={seconds.value}
          onInput={(event) => (seconds.value = event.currentTarget.value)}
        />
        s
      </label>
      {!isGap && (
        <label>
          and
          <input
            class="short"
            inputMode="numeric"
            data-testid="search-samples"
            value={samples.value}
            onInput={(event) => (samples.value = event.currentTarget.value)}
          />
          values
        </label>
      )}
    </div>
  );
}
