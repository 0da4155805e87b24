/** Parses and checks the texts of a request's form, whose fields are paths of the request's members. */

import type { CardControl, Field } from "../../api/protocol";
import { type FormTexts, parseForm } from "../commands/command_form";
import { type EdgeEntity } from "./edge_entities";
import { isShown, valueAt } from "./edge_cards";

/** Between the values of a field that has several. */
const SEPARATOR = ",";

export interface ParsedRequest {
  readonly members: Readonly<Record<string, unknown>>;
  /** By field. */
  readonly problems: ReadonlyMap<string, string>;
}

/** The texts that a form begins with. */
export function initialTexts(control: CardControl, data: EdgeEntity): FormTexts {
  return Object.fromEntries(fieldsOf(control).map(([path, field]) => [path, initialText(field, data)]));
}

function initialText(field: Field, data: EdgeEntity): string {
  const value = field.beginsWith == null ? undefined : valueAt(data, field.beginsWith);
  if (value !== undefined) return Array.isArray(value) ? value.join(SEPARATOR) : String(value);
  return field.default == null ? "" : String(field.default);
}

/** The fields that are shown with these texts. */
export function shownFields(control: CardControl, texts: FormTexts): readonly [string, Field][] {
  const valueOf = (path: string) => ({ true: true, false: false })[texts[path] ?? ""] ?? texts[path];
  return fieldsOf(control).filter(([, field]) => isShown(field.shownIf, valueOf));
}

/** The members of the request that the texts and the card's values make. */
export function parseRequest(control: CardControl, texts: FormTexts, data: EdgeEntity): ParsedRequest {
  const members: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const [path, key] of Object.entries(control.members ?? {})) setAt(members, path, valueAt(data, key));
  for (const [path, field] of shownFields(control, texts)) {
    const parsed = parseField(path, field, texts[path] ?? "");
    if (typeof parsed === "string") problems.set(path, parsed);
    else if (parsed.value !== undefined) setAt(members, path, parsed.value);
  }
  return { members, problems };
}

/** The value of a field, or its problem. */
function parseField(path: string, field: Field, text: string): { value: unknown } | string {
  const name = field.title ?? path;
  const one = (part: string) => {
    const { payload, problems } = parseForm({ commandType: "", title: "", arguments: { [name]: field } }, { [name]: part });
    return problems.get(name) ?? { value: payload[name] };
  };
  if (field.many !== true) return one(text);
  const parts = valuesOf(text).map(one);
  const problem = parts.find((part) => typeof part === "string");
  if (problem !== undefined) return problem as string;
  const values = parts.map((part) => (part as { value: unknown }).value);
  return { value: values.length === 0 ? undefined : values };
}

/** The values of a text that has several. */
export function valuesOf(text: string): readonly string[] {
  return text.split(SEPARATOR).map((part) => part.trim()).filter((part) => part !== "");
}

/** A text of several values with one more, or one less, in the order of the choices. */
export function withChoice(text: string, choices: readonly string[], choice: string, isChosen: boolean): string {
  const chosen = new Set(valuesOf(text));
  if (isChosen) chosen.add(choice);
  else chosen.delete(choice);
  return choices.filter((one) => chosen.has(one)).join(SEPARATOR);
}

function fieldsOf(control: CardControl): [string, Field][] {
  return Object.entries(control.fields ?? {});
}

function setAt(into: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() as string;
  let at = into;
  for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
  at[last] = value;
}
