/** Chat messages as of the clock, and sending one. */

import { computed, signal } from "@preact/signals";
import { entities, selectedEntity } from "../entities/entities";
import { refusalTo } from "../session/permission";
import { request, status } from "../session/session";
import { Ledger } from "./ledger";

const CHAT_MESSAGE = "ChatMessage";
export const CHAT_MAX_CHARS = 4_000;

export const chat = new Ledger(
  { lanes: ["metadata"], messageTypes: [CHAT_MESSAGE] },
  ({ lane, messageType }) => lane === "metadata" && messageType === CHAT_MESSAGE,
);

/** The text in the message field. */
export const chatDraft = signal("");
/** The scope that the user chose to write to; empty means the default. */
export const chosenScope = signal("");
export const isSendingChat = signal(false);
/** Why the last message was not sent. */
export const chatError = signal("");

/** Why no message can be sent now; empty if one can. */
export const chatRefusal = computed(() => refusalTo("send messages"));

/** The scopes that messages can go to. */
export const chatScopes = computed<readonly string[]>(() => {
  const own = status.value?.scopeId;
  if (own != null) return [own];
  return [...new Set((entities.value ?? []).map(({ scopeId }) => scopeId))].sort();
});

/** The scope that messages go to: the chosen one, the entity's, or the first. */
export const chatScope = computed(() => {
  const all = chatScopes.value;
  const wanted = [chosenScope.value, selectedEntity.value?.scopeId ?? ""];
  return wanted.find((one) => all.includes(one)) ?? all[0] ?? "";
});

/** Send the draft; it is kept if sending failed. */
export async function sendChat(): Promise<void> {
  const content = chatDraft.value.trim();
  if (content === "" || isSendingChat.value || chatRefusal.value !== "" || chatScope.value === "") return;
  isSendingChat.value = true;
  try {
    await request({ type: "submitChat", scopeId: chatScope.value, content, timelineMode: "LIVE" }, "chatAck");
    chatDraft.value = "";
    chatError.value = "";
  } catch (error) {
    chatError.value = `The message may not have been sent: ${(error as Error).message}.`;
  } finally {
    isSendingChat.value = false;
  }
}
