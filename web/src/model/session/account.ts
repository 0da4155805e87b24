/** The user's own account: its sessions. */

import { signal } from "@preact/signals";
import type { SessionInfo } from "../../api/protocol";
import { request } from "./session";

export const accountOpen = signal(false);
/** Null until they have arrived. */
export const sessions = signal<SessionInfo[] | null>(null);
export const accountError = signal("");

export async function refreshSessions(): Promise<void> {
  await attempt(async () => {
    sessions.value = (await request({ type: "listSessions" }, "sessionsResponse")).sessions;
  });
}

export async function endSession(session: string): Promise<void> {
  await attempt(async () => {
    await request({ type: "endSession", session }, "accountChanged");
  });
  await refreshSessions();
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    accountError.value = "";
  } catch (error) {
    accountError.value = (error as Error).message;
  }
}
