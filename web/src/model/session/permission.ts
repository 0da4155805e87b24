/** Why something cannot be sent now. The edge and the Core decide; the page explains it beforehand. */

import { state } from "../clock/clock";
import { connection, coreUnavailable, role, status } from "./session";

/** The roles that may send, acknowledge and export. */
export const OPERATING_ROLES: ReadonlySet<string> = new Set(["operator", "admin"]);

/** Why the user cannot do something that is recorded, such as "send commands"; empty if it is possible now. */
export function refusalTo(action: string): string {
  if (connection.value !== "open") return `Not connected: you cannot ${action}.`;
  if (!OPERATING_ROLES.has(role.value)) return `Your role (${role.value}) cannot ${action}.`;
  if (state.value !== "LIVE") return `Not LIVE: you cannot ${action} from a replay.`;
  if (coreUnavailable.value) return `The Core does not answer: you cannot ${action}.`;
  if (status.value?.writerConnected === false) return `The writer is away: you cannot ${action}.`;
  return "";
}
