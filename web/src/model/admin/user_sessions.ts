/** The sessions of one user, for an admin who may end them. */

import { signal } from "@preact/signals";
import type { SessionInfo } from "../../api/protocol";
import { request } from "../session/session";

/** Null until they have arrived. */
export const userSessions = signal<readonly SessionInfo[] | null>(null);
export const userSessionsError = signal("");

let shownUser = "";

/** Show the sessions of a user. */
export async function showUserSessions(username: string): Promise<void> {
  shownUser = username;
  [userSessions.value, userSessionsError.value] = [null, ""];
  await load(username);
}

/** End one of them. */
export async function endUserSession(username: string, session: string): Promise<void> {
  try {
    await request({ type: "endUserSession", username, session }, "accountChanged");
  } catch (error) {
    userSessionsError.value = (error as Error).message;
    return;
  }
  await load(username);
}

async function load(username: string): Promise<void> {
  try {
    const found = (await request({ type: "listUserSessions", username }, "sessionsResponse")).sessions;
    if (username === shownUser) [userSessions.value, userSessionsError.value] = [found, ""];
  } catch (error) {
    if (username === shownUser) userSessionsError.value = (error as Error).message;
  }
}
