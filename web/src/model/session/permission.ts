/** Whether anything may be sent now: why not, in words. The edge and the Core decide; this only says it before. */

import { state } from "../clock/clock";
import { connection, coreUnavailable, role, status } from "./session";

const MAY: ReadonlySet<string> = new Set(["operator", "admin"]);

/** Why the user cannot do something that is recorded now; empty if it can be done. */
export function refusalTo(what: string): string {
  if (connection.value !== "open") return `There is no connection: nothing can be ${what}.`;
  if (!MAY.has(role.value)) return `Viewers only look: nothing is ${what} but by operators and admins.`;
  if (state.value !== "LIVE") return `Not LIVE: nothing is ${what} from a replay.`;
  if (coreUnavailable.value) return `The Core does not answer: nothing can be ${what}.`;
  if (status.value?.writerConnected === false) return `The writer is away: nothing can be ${what}.`;
  return "";
}
