/** What people said, as of the clock, and saying something. */

import { computed, signal } from "@preact/signals";
import { entities, selected } from "./entities";
import { Ledger } from "./ledger";
import { refusalTo } from "./permission";
import { request, status } from "./session";

const CHAT = "ChatMessage";
export const CHAT_MAX_CHARS = 4_000;

export const chat = new Ledger(
  { lanes: ["metadata"], messageTypes: [CHAT] },
  ({ lane, messageType }) => lane === "metadata" && messageType === CHAT,
);

/** What is being typed. */
export const draft = signal("");
/** The scope that was chosen to speak to; empty is the one that suggests itself. */
export const chosenScope = signal("");
export const isSaying = signal(false);
/** Why the last one was not said. */
export const chatTrouble = signal("");

/** Why nothing can be said now; empty if it can. */
export const chatRefusal = computed(() => refusalTo("said"));

/** The scopes that can be spoken to. */
export const scopes = computed<readonly string[]>(() => {
  const own = status.value?.scopeId;
  if (own != null) return [own];
  return [...new Set((entities.value ?? []).map(({ scopeId }) => scopeId))].sort();
});

/** The scope that is spoken to: the chosen one, the entity's, or the first. */
export const scope = computed(() => {
  const all = scopes.value;
  const wanted = [chosenScope.value, selected.value?.scopeId ?? ""];
  return wanted.find((one) => all.includes(one)) ?? all[0] ?? "";
});

/** Say what was typed; it stays where it could not be said. */
export async function say(): Promise<void> {
  const content = draft.value.trim();
  if (content === "" || isSaying.value || chatRefusal.value !== "" || scope.value === "") return;
  isSaying.value = true;
  try {
    await request({ type: "submitChat", scopeId: scope.value, content, timelineMode: "LIVE" }, "chatAck");
    draft.value = "";
    chatTrouble.value = "";
  } catch (error) {
    chatTrouble.value = `Not said, as far as is known: ${(error as Error).message}.`;
  } finally {
    isSaying.value = false;
  }
}
