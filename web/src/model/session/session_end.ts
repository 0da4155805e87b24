/** The end of the session: what is renewed silently ends some time after its login, and says so before. */

import { computed, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { formatAge, formatTime, fromMs } from "../values/time";
import { heldLogin } from "./access_token";
import { connection, connections, login, request, user } from "./session";

const WARNED_BEFORE_MS = 86_400_000;
/** From here on the warning stays. */
const URGENT_BEFORE_MS = 600_000;
const LOOK_INTERVAL_MS = 5_000;

/** How long the session lasts, in ms; null if it does not end. */
const leftMs = signal<number | null>(null);
const isDismissed = signal(false);
export const isLoggingInAgain = signal(false);

export const isEndUrgent = computed(() => leftMs.value !== null && leftMs.value < URGENT_BEFORE_MS);

/** The warning; empty if there is none. */
export const sessionEndText = computed(() => {
  const left = leftMs.value;
  if (left === null || left > WARNED_BEFORE_MS || (isDismissed.value && !isEndUrgent.value)) return "";
  const at = formatTime(fromMs(Date.now() + left)).slice(0, 16);
  return `Your session ends in ${formatAge(left)}, at ${at} UTC. Log in again to stay; the page remains as it is.`;
});

/** Look at the end of the session from time to time. Call once. */
export function followSessionEnd(): void {
  scheduler.every(LOOK_INTERVAL_MS, lookAtEnd);
  connection.subscribe(lookAtEnd);
}

function lookAtEnd(): void {
  const endsAt = user.peek() === null ? undefined : heldLogin()?.endsAt;
  leftMs.value = endsAt === undefined ? null : Math.max(0, endsAt - Date.now());
  if (leftMs.value === null || leftMs.value > WARNED_BEFORE_MS) isDismissed.value = false;
}

/** Hide the warning until the end is near. */
export function dismissSessionEnd(): void {
  isDismissed.value = true;
}

/** Begin another session of the same user, without leaving the page. Throws an Error that can be shown. */
export async function logInAgain(password: string): Promise<void> {
  const former = await ownSession();
  await login(user.value ?? "", password);
  isLoggingInAgain.value = false;
  lookAtEnd();
  if (former === undefined) return;
  const stop = connections.subscribe(() => {
    stop();
    void request({ type: "endSession", session: former }, "accountChanged").catch(() => undefined);
  });
}

/** The session that another one replaces; undefined if the edge does not say it, and then it ends by itself. */
async function ownSession(): Promise<string | undefined> {
  if (connection.peek() !== "open") return undefined;
  const reply = await request({ type: "listSessions" }, "sessionsResponse").catch(() => undefined);
  return reply?.sessions.find(({ isOwn }) => isOwn)?.session;
}
