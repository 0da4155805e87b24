/** The limits of all edges, who uses them now, and the logins that are held back. */

import { signal } from "@preact/signals";
import type { HeldAccount, LimitInfo, LimitsResponse, LimitUse } from "../../api/protocol";
import { reportInto } from "../page/error_signal";
import { request } from "../session/session";
import { formatTime } from "../values/time";
import { closeDialog } from "./admin_dialog";

export type LimitKind = LimitInfo["kind"];

/** From this share on a principal counts as near a limit. */
export const NEAR_SHARE = 0.8;

/** What each kind counts. A record, so that a kind that the protocol adds cannot be forgotten here. */
export const COUNTED: Readonly<Record<LimitKind, string>> = {
  login: "failed logins of an account, from all addresses",
  query: "queries and all that is not named here",
  stream: "streams started",
  export: "exports requested",
  submission: "commands, chat, acknowledged alarms and imports",
  http: "downloads over HTTP",
  password: "requests that hash a password",
  refresh: "renewals of a session",
  oidc: "logins with OpenID Connect from an address, two for each",
};

/** Null until it has arrived. */
export const limitUse = signal<LimitsResponse | null>(null);
export const limitsError = signal("");

export function refreshLimits(): Promise<void> {
  return reportInto(limitsError, async () => {
    limitUse.value = await request({ type: "listLimits" }, "limitsResponse");
  });
}

/** Forget the failed logins of a user; throws an Error that can be shown. */
export async function releaseAccount(username: string): Promise<void> {
  await request({ type: "releaseAccount", username }, "userChanged");
  closeDialog();
  await refreshLimits();
}

/** How close a principal is to a limit. */
export function closeness({ used, count }: LimitUse): "within" | "near" | "full" {
  if (used >= count) return "full";
  return used >= count * NEAR_SHARE ? "near" : "within";
}

/** From where no password of an account is checked now, each with its end; empty if it is from everywhere. */
export function heldFrom(account: HeldAccount): readonly string[] {
  const groups = [
    ["new addresses", account.othersUntil],
    ["known addresses", account.addressesUntil],
    ["known browsers", account.browsersUntil],
  ] as const;
  return groups.flatMap(([group, until]) => (until == null ? [] : [`${group} until ${timeOfDay(until)}`]));
}

/** A limit as text. */
export function rateText({ count, windowS }: LimitInfo): string {
  const window = windowS === 3_600 ? "an hour" : `${windowS} s`;
  return `${count.toLocaleString("en")} in ${window}`;
}

/** The time of day of a time within hours. */
export function timeOfDay(time: string): string {
  return formatTime(time).slice(11, 19);
}
