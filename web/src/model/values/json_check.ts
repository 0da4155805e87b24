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
