/**
 * Sends a command. Its ids are made here, once: after a lost reply, a retry with the same ids is
 * safe, for the Core records and sends a requestId once.
 */

import { newId } from "../../api/ids";
import { RequestError } from "../../api/socket";
import { request } from "../session/session";
import type { PreparedCommand } from "./command_catalog";

export interface CommandAttempt {
  readonly commandId: string;
  readonly requestId: string;
  /** `lost`: it is unknown whether it was sent. */
  readonly phase: "sending" | "sent" | "refused" | "lost";
  readonly message: string;
}

/** Errors that leave unknown whether the command was accepted. */
const OUTCOME_UNKNOWN: ReadonlySet<string> = new Set(["disconnected", "timeout", "coreUnavailable", "writerAway", "internal"]);

/** Send a command, or retry one whose reply was lost; calls back with each step. */
export async function sendAttempt(
  of: PreparedCommand,
  before: CommandAttempt | undefined,
  onStep: (now: CommandAttempt) => void,
): Promise<void> {
  const again = before?.phase === "lost" ? before : undefined;
  const ids = { commandId: again?.commandId ?? newId(), requestId: again?.requestId ?? newId() };
  onStep({ ...ids, phase: "sending", message: "" });
  try {
    await request({ ...submitMessage(of), ...ids }, "commandAck");
    onStep({ ...ids, phase: "sent", message: "" });
  } catch (error) {
    const isLost = !(error instanceof RequestError) || OUTCOME_UNKNOWN.has(error.code);
    onStep({ ...ids, phase: isLost ? "lost" : "refused", message: (error as Error).message });
  }
}

function submitMessage(of: PreparedCommand) {
  const { scopeId, systemId, containerId, uniqueId, commandType } = of;
  return {
    type: "submitCommand",
    ...{ scopeId, systemId, containerId, commandType },
    targetId: uniqueId,
    // The schema has every JSON value as an object; the server takes any.
    payload: of.payload as Record<string, Record<string, unknown>>,
    timelineMode: "LIVE",
  } as const;
}
