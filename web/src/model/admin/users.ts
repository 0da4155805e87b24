/** The users of the edge. Every change but enabling ends the sessions of that user. */

import { signal } from "@preact/signals";
import type { UserChanged, UserInfo } from "../../api/protocol";
import { reportInto } from "../page/error_signal";
import { request } from "../session/session";
import { openDialog, showSecret } from "./admin_dialog";
import type { Scopes } from "./scope_list";

export type UserRole = UserInfo["role"];

/** What may be done, the most first. */
export const ROLES: readonly UserRole[] = ["admin", "operator", "viewer"];

export interface UserSettings {
  readonly role: UserRole;
  readonly scopes: Scopes;
}

/** By name; null until they have arrived. */
export const users = signal<readonly UserInfo[] | null>(null);
export const usersError = signal("");

export function refreshUsers(): Promise<void> {
  return reportInto(usersError, async () => {
    users.value = (await request({ type: "listUsers" }, "usersResponse")).users;
  });
}

/** Add a user and show the generated password; throws an Error that can be shown. */
export async function addUser(username: string, { role, scopes }: UserSettings): Promise<void> {
  const reply = await request({ type: "addUser", username, role, scopes }, "userChanged");
  apply(username, reply);
  showSecret("password", username, reply.password);
}

/** Change the role and the scopes. */
export async function changeUser(username: string, { role, scopes }: UserSettings): Promise<void> {
  apply(username, await request({ type: "changeUser", username, role, scopes }, "userChanged"));
}

/** Let a user log in, or not any more. */
export async function setEnabled(username: string, enabled: boolean): Promise<void> {
  apply(username, await request({ type: "changeUser", username, enabled }, "userChanged"));
}

/** Enable from the list, where an error has no dialog to stand in. */
export function enableUser(username: string): Promise<void> {
  return reportInto(usersError, () => setEnabled(username, true));
}

/** Replace the password by a generated one and show it. */
export async function resetPassword(username: string): Promise<void> {
  const reply = await request({ type: "resetPassword", username }, "userChanged");
  apply(username, reply);
  showSecret("password", username, reply.password);
}

export async function deleteUser(username: string): Promise<void> {
  apply(username, await request({ type: "deleteUser", username }, "userChanged"));
}

/** The list after a change of one user; undefined: the user was deleted. */
export function withUser(
  list: readonly UserInfo[],
  username: string,
  changed: UserInfo | null | undefined,
): readonly UserInfo[] {
  const others = list.filter((one) => one.username !== username);
  if (changed == null) return others;
  return [...others, changed].sort((left, right) => (left.username < right.username ? -1 : 1));
}

/** Ask before a user is disabled; enabling takes nothing from anybody. */
export function toggleEnabled(user: UserInfo): void {
  if (user.enabled) openDialog({ kind: "disableUser", user });
  else void enableUser(user.username);
}

function apply(username: string, reply: UserChanged): void {
  users.value = withUser(users.value ?? [], username, reply.user);
}
