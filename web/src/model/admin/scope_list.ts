/** Scopes as people type them: ids separated by commas or spaces; nothing means all scopes. */

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Scopes as the protocol has them. */
export type Scopes = [string, ...string[]] | null;

/** The typed scopes, null for all; throws an Error that can be shown. */
export function parseScopes(text: string): Scopes {
  const [first, ...others] = new Set(text.split(/[\s,]+/).filter((name) => name !== ""));
  if (first === undefined) return null;
  const wrong = [first, ...others].find((name) => !ID.test(name));
  if (wrong !== undefined) {
    throw new Error(`“${wrong}” is no scope: 1 to 64 letters, digits, “-” and “_”. Separate scopes by commas.`);
  }
  return [first, ...others];
}

/** Scopes as text for the form. */
export function scopesInput(scopes: readonly string[] | null | undefined): string {
  return (scopes ?? []).join(", ");
}

/** Scopes, or lanes, as text for a table. */
export function limitText(names: readonly string[] | null | undefined): string {
  return names == null ? "all" : names.join(", ");
}
