/** The form of a request: its fields in their sections, their errors, and the edge's refusal. */

import { useId, useRef, useState } from "preact/hooks";
import type { CardControl, Field } from "../api/protocol";
import type { FormTexts } from "../model/commands/command_form";
import { type EdgeEntity, sendEdgeRequest } from "../model/edge/edge_entities";
import { initialTexts, parseRequest, shownFields, valuesOf, withChoice } from "../model/edge/request_form";
import { showToast } from "../model/page/toast";
import { connection } from "../model/session/session";
import { ArgumentField } from "./ArgumentField";

interface FormProps {
  control: CardControl;
  data: EdgeEntity;
  name: string;
  close: () => void;
}

export function RequestForm({ control, data, name, close }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [texts, setTexts] = useState<FormTexts>(() => initialTexts(control, data));
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const { members, problems } = parseRequest(control, texts, data);
  const cannotSend = isBusy || connection.value !== "open";
  const submit = async () => {
    setTried(true);
    const [first] = problems.keys();
    if (first !== undefined) form.current?.querySelector<HTMLElement>(`[name="${CSS.escape(first)}"]`)?.focus();
    if (first !== undefined || cannotSend) return;
    setBusy(true);
    setRefusal("");
    try {
      await sendEdgeRequest(control.request, members);
      showToast(`${control.title}: done.`);
      close();
    } catch (error) {
      setRefusal((error as Error).message);
      setBusy(false);
    }
  };
  const fieldOf = ([path, field]: [string, Field]) => (
    <RequestField
      key={path}
      path={path}
      field={field}
      text={texts[path] ?? ""}
      problem={isTried || (texts[path] ?? "") !== "" ? (problems.get(path) ?? "") : ""}
      change={(text) => setTexts({ ...texts, [path]: text })}
    />
  );
  return (
    <form
      ref={form}
      class="command-form request-form"
      noValidate
      aria-label={`${control.title} ${name}`}
      data-testid="request-form"
      data-request={control.request}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {sectionsOf(shownFields(control, texts)).map(([title, fields]) =>
        title === "" ? (
          fields.map(fieldOf)
        ) : (
          <fieldset key={title}>
            <legend class="part-title">{title}</legend>
            {fields.map(fieldOf)}
          </fieldset>
        ),
      )}
      {refusal !== "" && (
        <p class="form-problem" role="alert" data-testid="request-refusal">
          {refusal}
        </p>
      )}
      <div class="form-buttons">
        <button type="submit" class="primary" aria-disabled={cannotSend} data-testid="request-send">
          {isBusy ? "Working…" : control.title}
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** Fields by their section, in their order. */
function sectionsOf(fields: readonly [string, Field][]): [string, [string, Field][]][] {
  const found = new Map<string, [string, Field][]>();
  for (const one of fields) {
    const title = one[1].section ?? "";
    found.set(title, [...(found.get(title) ?? []), one]);
  }
  return [...found];
}

interface FieldProps {
  path: string;
  field: Field;
  text: string;
  problem: string;
  change: (text: string) => void;
}

function RequestField({ path, field, text, problem, change }: FieldProps) {
  const hint = field.hint ?? (field.many === true ? "separated by commas; empty: all" : "");
  if (field.many === true && field.type === "enum") return <Choices field={field} text={text} change={change} />;
  return (
    <>
      <ArgumentField name={path} spec={field} text={text} problem={problem} change={change} />
      {hint !== "" && <p class="muted field-hint">{hint}</p>}
    </>
  );
}

/** Several of the values of an enum. */
function Choices({ field, text, change }: Pick<FieldProps, "field" | "text" | "change">) {
  const id = useId();
  const chosen = new Set(valuesOf(text));
  const choices = Object.keys(field.labels ?? {});
  return (
    <div class="argument choices" role="group" aria-labelledby={id}>
      <span id={id} class="choices-title">
        {field.title}
      </span>
      <div class="choices-all">
        {choices.map((choice) => (
          <label key={choice} class="check">
            <input
              type="checkbox"
              checked={chosen.has(choice)}
              data-testid={`choice-${choice}`}
              onChange={(event) => change(withChoice(text, choices, choice, event.currentTarget.checked))}
            />
            {field.labels?.[choice]}
          </label>
        ))}
      </div>
      <p class="muted">{chosen.size === 0 ? "none chosen: all" : ""}</p>
    </div>
  );
}
