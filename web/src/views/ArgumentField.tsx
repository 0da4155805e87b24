/** One argument of a command: its field, unit, rule and error. */

import { useId } from "preact/hooks";
import type { ArgumentSpec } from "../api/protocol";
import { ruleText } from "../model/commands/command_form";

interface ArgumentFieldProps {
  name: string;
  spec: ArgumentSpec;
  text: string;
  problem: string;
  change: (text: string) => void;
}

export function ArgumentField(props: ArgumentFieldProps) {
  const { name, spec, problem } = props;
  const id = useId();
  const rule = ruleText(spec);
  return (
    <div class={`argument ${problem === "" ? "" : "wrong"}`} data-testid="argument" data-argument={name}>
      <label for={id} title={spec.title == null ? undefined : name}>
        {spec.title ?? name}
        {spec.required === true && <span class="required"> *</span>}
      </label>
      <Field {...props} id={id} />
      <span class="muted argument-unit">{spec.unit ?? ""}</span>
      {problem !== "" ? (
        <p class="form-problem" id={`${id}-problem`} data-testid="argument-problem">
          {problem}
        </p>
      ) : (
        rule !== "" && (
          <p class="muted argument-rule" id={`${id}-problem`}>
            {rule}
          </p>
        )
      )}
    </div>
  );
}

function Field({ name, spec, text, problem, change, id }: ArgumentFieldProps & { id: string }) {
  const shared = {
    ...{ id, name, value: text },
    "data-testid": `argument-${name}`,
    "aria-invalid": problem !== "",
    "aria-required": spec.required === true,
    "aria-describedby": `${id}-problem`,
  };
  const options = optionsOf(spec);
  if (options !== undefined) {
    return (
      <select {...shared} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">{spec.required === true ? "choose…" : "not set"}</option>
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    );
  }
  const onInput = (event: { currentTarget: { value: string } }) => change(event.currentTarget.value);
  if (spec.type === "any") return <textarea {...shared} rows={2} spellcheck={false} placeholder="{}" onInput={onInput} />;
  const isNumber = spec.type === "number" || spec.type === "integer";
  return (
    <input
      {...shared}
      type="text"
      inputMode={isNumber ? "decimal" : "text"}
      autocomplete="off"
      spellcheck={false}
      placeholder={spec.type === "time" ? "2026-01-31 12:00:00" : undefined}
      onInput={onInput}
    />
  );
}

/** The choices of an argument: the values of an enum, or yes and no. */
function optionsOf(spec: ArgumentSpec): readonly [string, string][] | undefined {
  if (spec.type === "enum") return Object.entries(spec.labels ?? {});
  if (spec.type !== "boolean") return undefined;
  return [
    ["true", spec.labels?.["true"] ?? "yes"],
    ["false", spec.labels?.["false"] ?? "no"],
  ];
}
