/** Checked reading of JSON from files and addresses; errors name the place and the rule. */

/** The value of JSON text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("The file is not JSON.");
  }
}

/** A value as an object. */
export function expectObject(value: unknown, name: string): Record<string, unknown> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${name}: must be a JSON object.`);
  }
  return value as Record<string, unknown>;
}

/** A value as a list. */
export function expectArray(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${name}: must be a list.`);
  return value;
}

/** A value as a text of a bounded length. */
export function expectText(value: unknown, name: string, maxChars: number, minChars = 1): string {
  if (typeof value !== "string" || value.length < minChars || charsOf(value) > maxChars) {
    throw new Error(`${name}: must be a text of ${minChars} to ${maxChars} characters.`);
  }
  return value;
}

/** What names have not, as the server says: controls, ends of lines, and what turns the direction of writing. */
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** A value as a name that is shown. */
export function expectName(value: unknown, name: string, maxChars: number): string {
  const text = expectText(value, name, maxChars);
  const wrong = CONTROL.exec(text)?.[0].codePointAt(0);
  if (wrong !== undefined) throw new Error(`${name}: has the control character U+${wrong.toString(16).toUpperCase().padStart(4, "0")}.`);
  if (text.trim() === "") throw new Error(`${name}: is blank.`);
  return text;
}

/** The characters of a text, as the server counts them: one outside the basic plane is one, not two. */
function charsOf(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** An object without members that are not known, so that a misspelt one is named. */
export function expectOnly(found: Record<string, unknown>, members: readonly string[], name: string): void {
  const unknown = Object.keys(found).find((member) => !members.includes(member));
  if (unknown !== undefined) throw new Error(`${name}.${unknown}: is not known; there are ${members.join(", ")}.`);
}
