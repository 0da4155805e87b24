/** The options of a kind of panel: their rules, by which files are checked and forms are drawn. */

import { expectArray, expectObject, expectOnly, expectText } from "../values/json_check";
import { parseFieldRef } from "../values/field_ref";

/** The rule of one option. An option that is absent has what the view of its kind takes for it. */
export type OptionRule = { readonly label: string } & (
  | { readonly type: "text"; readonly maxChars: number; readonly isLong?: boolean }
  | { readonly type: "number"; readonly min?: number; readonly max?: number }
  /** One of these, by their names as the form shows them. */
  | { readonly type: "choice"; readonly choices: Readonly<Record<string, string>> }
  | { readonly type: "flag" }
  /** A list of fields, `FieldRef[]`; of numbers only, unless `isAnyKind`. */
  | { readonly type: "fields"; readonly max: number; readonly isAnyKind?: boolean }
  /** A list of objects with options of their own. */
  | { readonly type: "list"; readonly max: number; readonly members: OptionSchema }
  /** Whatever a function accepts; the form shows it as JSON. It throws an Error that begins with the name. */
  | { readonly type: "json"; readonly parse: (value: unknown, name: string) => unknown }
);

export type OptionSchema = Readonly<Record<string, OptionRule>>;

/** The options of a JSON value; throws an Error that names the place and the rule. */
export function parseOptions(schema: OptionSchema, value: unknown, name: string): Record<string, unknown> {
  const found = expectObject(value ?? {}, name);
  expectOnly(found, Object.keys(schema), name);
  const parsed: Record<string, unknown> = {};
  for (const [member, rule] of Object.entries(schema)) {
    const given = found[member];
    if (given != null) parsed[member] = parseOption(rule, given, `${name}.${member}`);
  }
  return parsed;
}

function parseOption(rule: OptionRule, value: unknown, name: string): unknown {
  switch (rule.type) {
    case "text":
      return expectText(value, name, rule.maxChars, 0);
    case "number":
      return numberOf(value, name, rule);
    case "choice":
      if (typeof value === "string" && Object.hasOwn(rule.choices, value)) return value;
      throw new Error(`${name}: must be one of ${Object.keys(rule.choices).join(", ")}.`);
    case "flag":
      if (typeof value === "boolean") return value;
      throw new Error(`${name}: must be true or false.`);
    case "fields":
      return listOf(value, name, rule.max).map((one, at) => parseFieldRef(one, `${name}[${at}]`));
    case "list":
      return listOf(value, name, rule.max).map((one, at) => parseOptions(rule.members, one, `${name}[${at}]`));
    case "json":
      return rule.parse(value, name);
  }
}

function numberOf(value: unknown, name: string, { min = -Infinity, max = Infinity }: { min?: number; max?: number }): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return value;
  const least = min === -Infinity ? "" : ` of at least ${min}`;
  const most = max === Infinity ? "" : `${least === "" ? " of" : " and"} at most ${max}`;
  throw new Error(`${name}: must be a number${least}${most}.`);
}

function listOf(value: unknown, name: string, max: number): unknown[] {
  const found = expectArray(value, name);
  if (found.length > max) throw new Error(`${name}: has ${found.length} entries, at most ${max} are allowed.`);
  return found;
}
