/** Parses and checks the texts of a command form. */

import type { Action, ArgumentSpec } from "../../api/protocol";
import { parseTime } from "../values/time";

export type CommandPayload = Readonly<Record<string, unknown>>;
/** The text of each argument; an empty text means no value. */
export type FormTexts = Readonly<Record<string, string>>;

/** The parsed arguments, and the problem of each that breaks its rule. */
export interface FormResult {
  readonly payload: CommandPayload;
  readonly problems: ReadonlyMap<string, string>;
}

const SHOWN_MAX_CHARS = 40;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** The default texts of a form. */
export function defaultsOf(action: Action): FormTexts {
  return textsOf(
    action,
    Object.fromEntries(
      Object.entries(action.arguments ?? {}).flatMap(([name, spec]) =>
        spec.default === undefined || spec.default === null ? [] : [[name, spec.default]],
      ),
    ),
  );
}

/** The texts that parse to a payload. */
export function textsOf(action: Action, payload: CommandPayload): FormTexts {
  return Object.fromEntries(
    Object.entries(action.arguments ?? {}).map(([name, spec]) => [name, argumentText(payload[name], spec)]),
  );
}

function argumentText(value: unknown, spec: ArgumentSpec): string {
  if (value === undefined || value === null) return "";
  return spec.type === "any" ? JSON.stringify(value) : String(value);
}

/** Parse and check the texts of a form. */
export function parseForm(action: Action, texts: FormTexts): FormResult {
  const payload: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const [name, spec] of Object.entries(action.arguments ?? {})) {
    const text = texts[name] ?? "";
    if (text.trim() === "") {
      if (spec.required === true) problems.set(name, `${argumentName(name, spec)} is required.`);
      continue;
    }
    const value = parseArgument(text, spec);
    const problem = value === undefined ? typeProblem(text, spec) : ruleProblem(value, spec);
    if (problem !== "") problems.set(name, `${argumentName(name, spec)} ${problem}`);
    else payload[name] = value;
  }
  return { payload, problems };
}

/** Why a payload is not valid for its action; empty if it is. */
export function payloadProblem(action: Action, payload: CommandPayload): string {
  const specs = action.arguments ?? {};
  for (const [name, value] of Object.entries(payload)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) return `${action.commandType} has no argument “${name}”; it takes ${Object.keys(specs).join(", ") || "none"}.`;
    if (value === null && spec.required !== true) continue;
    const problem = isOfType(value, spec) ? ruleProblem(value, spec) : typeProblem(JSON.stringify(value) ?? "", spec);
    if (problem !== "") return `${argumentName(name, spec)} ${problem}`;
  }
  const missing = Object.entries(specs).find(([name, spec]) => spec.required === true && !Object.hasOwn(payload, name));
  return missing === undefined ? "" : `${argumentName(...missing)} is required.`;
}

/** The title of an argument, with its name if that differs. */
export function argumentName(name: string, spec: ArgumentSpec): string {
  return spec.title == null || spec.title === name ? `“${name}”` : `${spec.title} (${name})`;
}

/** The rule of an argument, short enough to stand beside its field. */
export function ruleText(spec: ArgumentSpec): string {
  const bounds = boundsText(spec);
  const kind = { integer: "integer", time: "UTC time", any: "JSON" }[spec.type as string];
  return [kind, bounds].filter(Boolean).join(", ");
}

function boundsText({ minimum, maximum }: ArgumentSpec): string {
  if (minimum != null && maximum != null) return `${minimum} to ${maximum}`;
  if (minimum != null) return `at least ${minimum}`;
  return maximum == null ? "" : `at most ${maximum}`;
}

/** The value of a text; undefined if it is not of the argument's type. */
function parseArgument(text: string, spec: ArgumentSpec): unknown {
  const trimmed = text.trim();
  if (spec.type === "number" || spec.type === "integer") {
    const found = NUMBER.test(trimmed) ? Number(trimmed) : Number.NaN;
    return Number.isFinite(found) && isOfType(found, spec) ? found : undefined;
  }
  if (spec.type === "boolean") return { true: true, false: false }[trimmed];
  if (spec.type === "time") return parseTime(trimmed);
  if (spec.type === "any") return parsedJson(trimmed);
  return text;
}

function isOfType(value: unknown, spec: ArgumentSpec): boolean {
  if (spec.type === "any") return true;
  if (spec.type === "integer") return Number.isInteger(value);
  if (spec.type === "time") return typeof value === "string" && parseTime(value) !== undefined;
  return typeof value === (spec.type === "enum" ? "string" : spec.type);
}

/** The rule that a value of the right type breaks; empty if none. */
function ruleProblem(value: unknown, spec: ArgumentSpec): string {
  if (typeof value === "number") {
    if (spec.minimum != null && value < spec.minimum) return `must be at least ${spec.minimum}, not ${value}.`;
    if (spec.maximum != null && value > spec.maximum) return `must be at most ${spec.maximum}, not ${value}.`;
    // JSON would write it as an integer outside of an envelope's range, and parsing has rounded it already.
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return `must lie within ±${Number.MAX_SAFE_INTEGER}, beyond which integers are not exact.`;
    }
  }
  if (spec.type === "enum" && !Object.hasOwn(spec.labels ?? {}, value as string)) {
    return `must be one of ${Object.keys(spec.labels ?? {}).join(", ")}, not ${quoted(String(value))}.`;
  }
  return "";
}

function typeProblem(text: string, spec: ArgumentSpec): string {
  const kinds: Record<string, string> = {
    number: "a number",
    integer: "an integer",
    boolean: "true or false",
    enum: "a text",
    string: "a text",
    time: "a time, such as 2026-01-31 12:00:00",
    any: "JSON",
  };
  return `must be ${kinds[spec.type]}, not ${quoted(text)}.`;
}

function quoted(text: string): string {
  return `“${text.length > SHOWN_MAX_CHARS ? `${text.slice(0, SHOWN_MAX_CHARS)}…` : text}”`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
