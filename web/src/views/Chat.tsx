/** The chat of a scope, as of the clock. */

import { computed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { cursor, timebase } from "../model/clock/clock";
import {
  chat,
  CHAT_MAX_CHARS,
  chatDraft,
  chatError,
  chatRefusal,
  chatScope,
  chatScopes,
  chosenScope,
  isSendingChat,
  sendChat,
} from "../model/events/chat";
import { user } from "../model/session/session";
import { eventTime, type StoredEvent } from "../model/values/event";
import { formatTime, shortTime } from "../model/values/time";
import { AheadMark } from "./AheadMark";
import { Empty, ErrorNotice, Pane } from "./Pane";

/** More messages than these are drawn only on request. */
const DRAWN_MAX = 200;
/** Changes once a day, where the clock itself would draw every message anew. */
const clockDay = computed(() => formatTime(cursor.value).slice(0, 10));

export function Chat() {
  return (
    <Pane id="chat" tools={chatScopes.value.length > 1 ? <Scope /> : undefined}>
      <ErrorNotice text={chat.error.value} />
      <Messages />
      <Entry />
    </Pane>
  );
}

function Scope() {
  return (
    <select
      aria-label="Scope"
      data-testid="chat-scope"
      value={chatScope.value}
      onChange={(event) => (chosenScope.value = event.currentTarget.value)}
    >
      {chatScopes.value.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

function Messages() {
  const list = useRef<HTMLDivElement>(null);
  const all = chat.events.value;
  const last = all.at(-1)?.eventId;
  useEffect(() => {
    if (list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [last]);
  if (all.length === 0) {
    return <Empty testid="chat-empty">{chat.pending.value ? "Loading messages…" : "No messages yet."}</Empty>;
  }
  return (
    <div ref={list} class="scroll chat" tabIndex={0} role="log" aria-label="Messages" data-testid="chat-messages">
      {(chat.olderKey.value !== null || all.length > DRAWN_MAX) && (
        <p class="muted chat-older">The newest {Math.min(DRAWN_MAX, all.length)} messages; the Events panel lists older ones.</p>
      )}
      {all.slice(-DRAWN_MAX).map((event) => (
        <ChatLine key={event.eventId} event={event} />
      ))}
    </div>
  );
}

function ChatLine({ event }: { event: StoredEvent }) {
  const author = String(event["authorDisplayName"]);
  const time = formatTime(eventTime(event, timebase.value));
  return (
    <p class={`chat-message ${author === user.value ? "own" : ""}`} data-testid="chat-message">
      <time class="muted" title={`${time} UTC`}>
        {shortTime(time, clockDay.value)}
      </time>{" "}
      <strong>{author}</strong>
      <AheadMark event={event} />
      {chatScopes.value.length > 1 && <span class="muted"> to {event.scopeId}</span>} {String(event["content"])}
    </p>
  );
}

function Entry() {
  const reason = chatRefusal.value;
  return (
    <form
      class="chat-entry"
      onSubmit={(event) => {
        event.preventDefault();
        void sendChat();
      }}
    >
      {reason !== "" && (
        <p class="muted why" id="chat-reason" role="status" data-testid="chat-refusal">
          {reason}
        </p>
      )}
      {reason === "" && chatError.value !== "" && (
        <p class="form-problem" role="alert">
          {chatError.value}
        </p>
      )}
      <div class="chat-line">
        <input
          type="text"
          aria-label={`Message to ${chatScope.value}`}
          aria-describedby={reason === "" ? undefined : "chat-reason"}
          placeholder={reason === "" ? `Message to ${chatScope.value}` : ""}
          autocomplete="off"
          maxLength={CHAT_MAX_CHARS}
          disabled={reason !== ""}
          data-testid="chat-input"
          value={chatDraft.value}
          onInput={(event) => (chatDraft.value = event.currentTarget.value)}
        />
        <button type="submit" disabled={reason !== "" || isSendingChat.value || chatDraft.value.trim() === ""} data-testid="chat-say">
          Send
        </button>
      </div>
    </form>
  );
}
