/** The form of options: a control for each, by the schema of the kind. */

import { entityName } from "../model/entities/entity_names";
import { useState } from "preact/hooks";
import { allFieldChoices, fieldChoices } from "../model/plots/field_choices";
import type { OptionRule, OptionSchema } from "../model/panels/option_schema";
import { type FieldRef, fieldKey } from "../model/values/field_ref";

type Draft = Readonly<Record<string, unknown>>;

interface OptionFormProps {
  schema: OptionSchema;
  draft: Draft;
  change: (draft: Draft) => void;
}

export function OptionForm({ schema, draft, change }: OptionFormProps) {
  return (
    <>
      {Object.entries(schema).map(([name, rule]) => (
        <OneOption key={name} name={name} rule={rule} value={draft[name]} change={(value) => change(withMember(draft, name, value))} />
      ))}
    </>
  );
}

/** The draft with a member; without it where it is undefined, so that the view takes its own value. */
function withMember(draft: Draft, name: string, value: unknown): Draft {
  const { [name]: _, ...others } = draft;
  return value === undefined ? others : { ...others, [name]: value };
}

interface OptionProps<Rule = OptionRule> {
  name: string;
  rule: Rule;
  value: unknown;
  change: (value: unknown) => void;
}

function OneOption(props: OptionProps) {
  const { rule } = props;
  if (rule.type === "fields") return <Fields {...props} rule={rule} />;
  if (rule.type === "list") return <List {...props} rule={rule} />;
  return (
    <label class={`option ${rule.type === "flag" ? "option-flag" : ""}`}>
      <span>{rule.label}</span>
      <Control {...props} />
    </label>
  );
}

function Control({ name, rule, value, change }: OptionProps) {
  const common = { name, "data-testid": `option-${name}` };
  switch (rule.type) {
    case "number":
      return (
        <input
          {...common}
          type="number"
          step="any"
          min={rule.min}
          max={rule.max}
          value={typeof value === "number" ? value : ""}
          onInput={({ currentTarget: { value: text } }) => change(text === "" ? undefined : Number(text))}
        />
      );
    case "choice":
      return (
        <select {...common} value={String(value ?? "")} onChange={(event) => change(event.currentTarget.value || undefined)}>
          <option value="">by itself</option>
          {Object.entries(rule.choices).map(([choice, title]) => (
            <option key={choice} value={choice}>
              {title}
            </option>
          ))}
        </select>
      );
    case "flag":
      return <input {...common} type="checkbox" checked={value === true} onChange={(event) => change(event.currentTarget.checked)} />;
    case "json":
      return <JsonText name={name} value={value} change={change} />;
    case "text":
      return rule.isLong === true ? (
        <textarea {...common} rows={6} maxLength={rule.maxChars} value={textOf(value)} onInput={(event) => change(event.currentTarget.value)} />
      ) : (
        <input {...common} maxLength={rule.maxChars} value={textOf(value)} onInput={(event) => change(event.currentTarget.value || undefined)} />
      );
    default:
      return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** JSON as text; while it is none, the text itself is the value, which the check of the options refuses. */
function JsonText({ name, value, change }: Omit<OptionProps, "rule">) {
  const [text, setText] = useState(value === undefined ? "" : JSON.stringify(value, null, 2));
  const typed = (given: string) => {
    setText(given);
    try {
      change(given.trim() === "" ? undefined : (JSON.parse(given) as unknown));
    } catch {
      change(given);
    }
  };
  return (
    <textarea
      name={name}
      data-testid={`option-${name}`}
      class="mono"
      rows={8}
      spellcheck={false}
      value={text}
      onInput={(event) => typed(event.currentTarget.value)}
    />
  );
}

function Fields({ name, rule, value, change }: OptionProps<OptionRule & { type: "fields" }>) {
  const fields = Array.isArray(value) ? (value as FieldRef[]) : [];
  const offered = rule.isAnyKind === true ? allFieldChoices : fieldChoices;
  const choices = (offered.value ?? []).filter((choice) => !fields.some((one) => fieldKey(one) === fieldKey(choice)));
  const add = (key: string) => {
    const found = choices.find((choice) => fieldKey(choice) === key);
    if (found !== undefined) change([...fields, { series: found.series, field: found.field }]);
  };
  return (
    <fieldset class="option-list" data-testid={`option-${name}`}>
      <legend>{rule.label}</legend>
      {fields.map((one, at) => (
        <div class="option-row" key={fieldKey(one)}>
          <span title={fieldKey(one)}>
            <span class="muted">{entityName(one.series)}</span> {one.field}
          </span>
          <RemoveButton of={one.field} remove={() => change(fields.filter((_, index) => index !== at))} />
        </div>
      ))}
      {fields.length < rule.max && (
        <select aria-label={`Add to ${rule.label}`} value="" onChange={(event) => add(event.currentTarget.value)}>
          <option value="">Add a field of the selected entity…</option>
          {choices.map((choice) => (
            <option key={fieldKey(choice)} value={fieldKey(choice)}>
              {choice.label}: {choice.field}
            </option>
          ))}
        </select>
      )}
    </fieldset>
  );
}

function List({ name, rule, value, change }: OptionProps<OptionRule & { type: "list" }>) {
  const rows = Array.isArray(value) ? (value as Draft[]) : [];
  return (
    <fieldset class="option-list" data-testid={`option-${name}`}>
      <legend>{rule.label}</legend>
      {rows.map((row, at) => (
        <div class="option-entry" key={at}>
          <OptionForm schema={rule.members} draft={row} change={(draft) => change(rows.map((one, index) => (index === at ? draft : one)))} />
          <RemoveButton of={`entry ${at + 1}`} remove={() => change(rows.filter((_, index) => index !== at))} />
        </div>
      ))}
      {rows.length < rule.max && (
        <button type="button" onClick={() => change([...rows, {}])}>
          Add
        </button>
      )}
    </fieldset>
  );
}

function RemoveButton({ of, remove }: { of: string; remove: () => void }) {
  return (
    <button type="button" class="icon" aria-label={`Remove ${of}`} onClick={remove}>
      ×
    </button>
  );
}
