/** Login with a provider: the link to it, and why one has failed, which the edge names in the address. */

import { signal } from "@preact/signals";
import { fetchLoginMethods, type LoginMethods } from "../../api/login_methods";

/** As in edge/nova/edge/login_page.py. */
const ERROR_PARAMETER = "loginError";
/** As in edge/nova/edge/oidc_login.py. */
const NEXT_MAX_CHARS = 2_000;

const LONG_HASH = "nova.longHash";

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
  const next = isLong() ? location.pathname : location.pathname + location.hash;
  return `${methods.path}?next=${encodeURIComponent(next)}`;
}

/** An address that is too long for the way to the provider and back waits in this tab. */
export function keepLongHash(): void {
  if (isLong()) sessionStorage.setItem(LONG_HASH, location.hash);
}

function isLong(): boolean {
  return location.pathname.length + location.hash.length > NEXT_MAX_CHARS;
}

/** Continue at the address that the login began at, if it waits in this tab. Call before the page opens its address. */
export function restoreLongHash(): void {
  const hash = sessionStorage.getItem(LONG_HASH);
  sessionStorage.removeItem(LONG_HASH);
  if (hash !== null && location.hash === "") history.replaceState(history.state, "", hash);
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
