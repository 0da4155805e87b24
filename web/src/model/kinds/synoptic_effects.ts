/** What fields do to the elements of a drawing. */

import { type FieldReading, readingText, readingUnit } from "../fields/field_reading";
import type { Binding } from "./synoptic_kind";
import { parseRules, type Rule, ruleResult } from "./synoptic_rules";

/** Colours by name, so that a drawing looks right in both themes; others are as CSS writes them. */
const COLOURS: Readonly<Record<string, string>> = {
  ok: "var(--live)",
  warning: "var(--warn)",
  critical: "var(--bad)",
  muted: "var(--muted)",
  accent: "var(--accent)",
};

export interface BoundElement {
  readonly binding: Binding;
  readonly elements: readonly SVGElement[];
  readonly rules: readonly Rule[];
}

/** The elements that bindings name, and the ids that the drawing does not have. */
export function boundElements(root: ParentNode, bindings: readonly Binding[]): { bound: BoundElement[]; missing: string[] } {
  const bound = bindings.map((binding) => ({
    binding,
    elements: [...root.querySelectorAll<SVGElement>(`[id="${CSS.escape(binding.element)}"]`)],
    rules: binding.rules === undefined ? [] : parseRules(binding.rules, "rules"),
  }));
  const missing = bound.flatMap(({ elements, binding }) => (elements.length === 0 ? [binding.element] : []));
  return { bound, missing: [...new Set(missing)] };
}

/** Apply a reading; an element whose value is not known is faded, one whose source is stale less so. */
export function applyReading({ binding, elements, rules }: BoundElement, reading: FieldReading): void {
  for (const element of elements) {
    element.classList.toggle("is-unknown", reading.value === undefined);
    element.classList.toggle("is-stale", reading.isStale);
    applyEffect(element, binding, rules, reading);
  }
}

function applyEffect(element: SVGElement, { effect, field }: Binding, rules: readonly Rule[], reading: FieldReading): void {
  const { value } = reading;
  switch (effect) {
    case "text":
      element.textContent = ruleResult(rules, value) ?? `${readingText(reading)} ${readingUnit(reading, field.field)}`.trimEnd();
      return;
    case "fill":
    case "stroke":
      element.style.setProperty(effect, colourOf(rules, reading));
      return;
    case "shown":
      // A value that is not known hides nothing.
      element.style.setProperty("visibility", value === undefined || rules.some(({ isMet }) => isMet(value)) ? "visible" : "hidden");
      return;
    case "turned":
      element.style.setProperty("transform-box", "fill-box");
      element.style.setProperty("transform-origin", "center");
      element.style.setProperty("transform", typeof value === "number" ? `rotate(${value}deg)` : "none");
  }
}

function colourOf(rules: readonly Rule[], { value, verdict }: FieldReading): string {
  const name = (value === undefined ? undefined : ruleResult(rules, value)) ?? (rules.length > 0 ? "muted" : (verdict ?? "muted"));
  return COLOURS[name] ?? name;
}
