/** What an edge offers besides a password: a provider of logins, and the texts of its failures. */

export interface LoginMethods {
  /** The provider's name for the button. */
  name: string;
  /** Where a login begins. */
  path: string;
  /** A text for each reason. */
  errors: Record<string, string>;
}

const NONE = 204;

/** What this edge offers; undefined if that is nothing, or if it does not answer. */
export async function fetchLoginMethods(): Promise<LoginMethods | undefined> {
  try {
    const response = await fetch("/auth/methods");
    if (!response.ok || response.status === NONE) return undefined;
    return (await response.json()) as LoginMethods;
  } catch {
    return undefined;
  }
}
