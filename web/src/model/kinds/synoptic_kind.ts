/** Synoptics: drawings (SVG) whose texts, colours and parts follow fields. */

import type { PanelKind } from "../panels/panel_kind";
import { parseFieldRef, type FieldRef } from "../values/field_ref";
import { expectArray, expectObject, expectOnly, expectText } from "../values/json_check";
import { parseRules } from "./synoptic_rules";

export type Effect = "text" | "fill" | "stroke" | "shown" | "turned";

/** What a field does to an element of the drawing. */
export interface Binding {
  /** The id of the element in the drawing. */
  element: string;
  field: FieldRef;
  effect: Effect;
  rules?: string;
}

export interface SynopticOptions {
  svg?: string;
  bindings?: Binding[];
}

const EFFECTS: readonly Effect[] = ["text", "fill", "stroke", "shown", "turned"];
export const SVG_MAX_CHARS = 200_000;
const BINDINGS_MAX = 200;
const ID_MAX_CHARS = 120;
const RULES_MAX_CHARS = 1_000;

export const synopticKind: PanelKind<SynopticOptions> = {
  kind: "synoptic",
  title: "Synoptic",
  isSingle: false,
  schema: {
    svg: { label: "Drawing (SVG)", type: "text", maxChars: SVG_MAX_CHARS, isLong: true },
    bindings: { label: "Bindings", type: "json", parse: parseBindings },
  },
};

/** The bindings of a JSON value; throws an Error that names the place and the rule. */
export function parseBindings(value: unknown, name: string): Binding[] {
  const found = expectArray(value, name);
  if (found.length > BINDINGS_MAX) throw new Error(`${name}: has ${found.length} entries, at most ${BINDINGS_MAX} are allowed.`);
  return found.map((one, at) => parseBinding(one, `${name}[${at}]`));
}

function parseBinding(value: unknown, name: string): Binding {
  const found = expectObject(value, name);
  expectOnly(found, ["element", "field", "effect", "rules"], name);
  const element = expectText(found["element"], `${name}.element`, ID_MAX_CHARS);
  const field = parseFieldRef(found["field"], `${name}.field`);
  const effect = found["effect"] as Effect;
  if (!EFFECTS.includes(effect)) throw new Error(`${name}.effect: must be one of ${EFFECTS.join(", ")}.`);
  if (found["rules"] == null) return { element, field, effect };
  const rules = expectText(found["rules"], `${name}.rules`, RULES_MAX_CHARS);
  parseRules(rules, `${name}.rules`);
  return { element, field, effect, rules };
}
