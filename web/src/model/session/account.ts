/** The user's own account: its sessions. */

import { signal } from "@preact/signals";
import type { SessionInfo } from "../../api/protocol";
import { reportInto } from "../page/error_signal";
import { request } from "./session";

export const accountOpen = signal(false);
/** Null until they have arrived. */
export const sessions = signal<SessionInfo[] | null>(null);
export const accountError = signal("");

export async function refreshSessions(): Promise<void> {
  await reportInto(accountError, async () => {
    sessions.value = (await request({ type: "listSessions" }, "sessionsResponse")).sessions;
  });
}

export async function endSession(session: string): Promise<void> {
  await reportInto(accountError, async () => {
    await request({ type: "endSession", session }, "accountChanged");
  });
  await refreshSessions();
}
