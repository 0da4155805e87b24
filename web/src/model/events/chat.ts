/** What people said, as of the clock, and saying something. */

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

/** What is being typed. */
export const chatDraft = signal("");
/** The scope that was chosen to speak to; empty is the one that suggests itself. */
export const chosenScope = signal("");
export const isSendingChat = signal(false);
/** Why the last one was not said. */
export const chatError = signal("");

/** Why nothing can be said now; empty if it can. */
export const chatRefusal = computed(() => refusalTo("said"));

/** The scopes that can be spoken to. */
export const chatScopes = computed<readonly string[]>(() => {
  const own = status.value?.scopeId;
  if (own != null) return [own];
  return [...new Set((entities.value ?? []).map(({ scopeId }) => scopeId))].sort();
});

/** The scope that is spoken to: the chosen one, the entity's, or the first. */
export const chatScope = computed(() => {
  const all = chatScopes.value;
  const wanted = [chosenScope.value, selectedEntity.value?.scopeId ?? ""];
  return wanted.find((one) => all.includes(one)) ?? all[0] ?? "";
});

/** Say what was typed; it stays where it could not be said. */
export async function sendChat(): Promise<void> {
  const content = chatDraft.value.trim();
  if (content === "" || isSendingChat.value || chatRefusal.value !== "" || chatScope.value === "") return;
  isSendingChat.value = true;
  try {
    await request({ type: "submitChat", scopeId: chatScope.value, content, timelineMode: "LIVE" }, "chatAck");
    chatDraft.value = "";
    chatError.value = "";
  } catch (error) {
    chatError.value = `Not said, as far as is known: ${(error as Error).message}.`;
  } finally {
    isSendingChat.value = false;
  }
}
