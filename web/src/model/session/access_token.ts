/** The access token of this tab, kept over reloads and renewed before it expires. */

import { type LoginReply, renewToken } from "../../api/auth";
import { inOneTab } from "../../api/tab_lock";
import { scheduler } from "../../scheduler";

const KEY = "nova.session";
/** The share of a token's lifetime after which it is renewed. */
const RENEW_AT = 2 / 3;
const RETRY_MS = 5_000;

/** A login with the time (ms since 1970, of this browser's clock) from which it should be renewed. */
export interface HeldLogin extends LoginReply {
  renewAt: number;
  /** When the session ends, in the same clock; absent if it does not. */
  endsAt?: number;
}

const renewal = scheduler.slot();

/** The login of this tab; undefined if nobody is logged in. */
export function heldLogin(): HeldLogin | undefined {
  const text = sessionStorage.getItem(KEY);
  return text === null ? undefined : (JSON.parse(text) as HeldLogin);
}

/** Keep a login and call `renewed` with each later one, or with undefined once the session has ended. */
export function holdLogin(reply: LoginReply, renewed: (login: LoginReply | undefined) => void): void {
  const held: HeldLogin = { ...reply, renewAt: Date.now() + reply.expiresInS * RENEW_AT * 1_000 };
  if (reply.sessionEndsInS !== undefined) held.endsAt = Date.now() + reply.sessionEndsInS * 1_000;
  sessionStorage.setItem(KEY, JSON.stringify(held));
  scheduleRenewal(held, renewed);
}

/** Renew in time what an earlier page of this tab has kept. */
export function scheduleRenewal(held: HeldLogin, renewed: (login: LoginReply | undefined) => void): void {
  const work = () => {
    renewLogin().then(renewed, () => renewal.restart(RETRY_MS, work));
  };
  renewal.restart(Math.max(0, held.renewAt - Date.now()), work);
}

/** The next login of this browser's session, undefined if it has ended; rejects if NOVA does not answer. */
export function renewLogin(): Promise<LoginReply | undefined> {
  return inOneTab("refresh", renewToken);
}

export function forgetLogin(): void {
  renewal.cancel();
  sessionStorage.removeItem(KEY);
}
