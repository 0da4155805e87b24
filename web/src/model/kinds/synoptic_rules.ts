/** Rules of a synoptic: what a value makes of an element, as `>= 80: critical; on: ok; else: muted`. */

export interface Rule {
  readonly isMet: (value: unknown) => boolean;
  readonly result: string;
}

const COMPARISON = /^(<=|>=|<|>|!=|=)\s*(.+)$/;
const RULES_MAX = 32;

/** The rules of a text; throws an Error that names the rule. Without a `:` a rule has no result. */
export function parseRules(text: string, name: string): Rule[] {
  const parts = text.split(";").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length > RULES_MAX) throw new Error(`${name}: has ${parts.length} rules, at most ${RULES_MAX} are allowed.`);
  return parts.map((part) => {
    const at = part.lastIndexOf(":");
    const [condition, result] = at < 0 ? [part, ""] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (condition === "") throw new Error(`${name}: “${part}” has no condition before its “:”.`);
    return { isMet: conditionOf(condition, name), result };
  });
}

function conditionOf(text: string, name: string): (value: unknown) => boolean {
  if (text === "else") return () => true;
  const [, comparison, operand = ""] = COMPARISON.exec(text) ?? [];
  if (comparison === undefined) return (value) => String(value) === text;
  if (comparison === "=") return (value) => String(value) === operand;
  if (comparison === "!=") return (value) => String(value) !== operand;
  const bound = Number(operand);
  if (Number.isNaN(bound)) throw new Error(`${name}: “${text}” compares with “${operand}”, which is no number.`);
  return (value) => typeof value === "number" && isBeyond(value, comparison, bound);
}

function isBeyond(value: number, comparison: string, bound: number): boolean {
  switch (comparison) {
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case ">":
      return value > bound;
    default:
      return value >= bound;
  }
}

/** The result of the first rule that a value meets; undefined if it meets none. */
export function ruleResult(rules: readonly Rule[], value: unknown): string | undefined {
  return rules.find(({ isMet }) => isMet(value))?.result;
}
