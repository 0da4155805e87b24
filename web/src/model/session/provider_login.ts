/** Login with a provider: the link to it, and why one has failed, which the edge names in the address. */

import { signal } from "@preact/signals";
import { fetchLoginMethods, type LoginMethods } from "../../api/login_methods";

/** As in edge/nova/edge/login_page.py. */
const ERROR_PARAMETER = "loginError";
/** As in edge/nova/edge/oidc_login.py. */
const NEXT_MAX_CHARS = 2_000;

/** The provider; undefined while none is known. */
export const loginProvider = signal<LoginMethods | undefined>(undefined);
/** Why the last login with it failed; empty if it has not. */
export const providerError = signal("");

/** Ask the edge for its provider, and show the failure that the address names. */
export async function loadLoginProvider(): Promise<void> {
  const reason = takeReason();
  const found = await fetchLoginMethods();
  loginProvider.value = found;
  if (reason !== null) providerError.value = found?.errors[reason] ?? "";
}

/** Where the button leads: the provider, and from there back to this page. */
export function providerPath(methods: LoginMethods): string {
  const page = location.pathname + location.hash;
  const next = page.length > NEXT_MAX_CHARS ? location.pathname : page;
  return `${methods.path}?next=${encodeURIComponent(next)}`;
}

/** The reason in the address, which loses it: a reload does not show it again. */
function takeReason(): string | null {
  const url = new URL(location.href);
  const reason = url.searchParams.get(ERROR_PARAMETER);
  if (reason === null) return null;
  url.searchParams.delete(ERROR_PARAMETER);
  history.replaceState(history.state, "", url);
  return reason;
}
