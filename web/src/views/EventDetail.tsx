/** One event in full: JSON, a frame's bytes, copy and link. */

import { useMemo, useState } from "preact/hooks";
import { copiedEventLink } from "../model/address/deep_link";
import { seek, timebase } from "../model/clock/clock";
import { isFrameShown } from "../model/events/frame_fields";
import { inspectedEvent, inspectEvent, inspectorEvents } from "../model/events/inspector";
import { openPeek, type Peek } from "../model/peek/peek";
import { copyText } from "../model/page/clipboard";
import { entityKey, envelopeText, eventKind, eventTime, exactEvent, type StoredEvent } from "../model/values/event";
import { formatTime } from "../model/values/time";
import { AheadMark } from "./AheadMark";
import { FrameFields } from "./FrameFields";
import { HexView } from "./HexView";
import { JsonView } from "./JsonView";

export function EventDetail({ event }: { event: StoredEvent }) {
  const isFrame = event.bytes !== undefined;
  const hasFields = isFrame || event.lane === "parsed";
  const [plain, setPlain] = useState<"json" | "hex">(isFrame ? "hex" : "json");
  const face = isFrameShown.value && hasFields ? "fields" : plain;
  return (
    <section class="detail" aria-label="Event" data-testid="event-detail" data-event={event.eventId}>
      <div class="detail-head">
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <strong>{eventKind(event)}</strong>
        <span class="muted">{entityKey(event)}</span>
        <AheadMark event={event} />
        <Neighbours event={event} />
        <button type="button" class="icon" aria-label="Close the event" data-testid="event-close" onClick={() => (inspectedEvent.value = null)}>
          ✕
        </button>
      </div>
      <EventTimes event={event} />
      <EventActions event={event}>
        {isFrame && (
          <button
            type="button"
            aria-pressed={face === "hex"}
            data-testid="event-face"
            onClick={() => {
              isFrameShown.value = false;
              setPlain(face === "hex" ? "json" : "hex");
            }}
          >
            {face === "hex" ? "JSON" : "Hex"}
          </button>
        )}
        {hasFields && (
          <button
            type="button"
            aria-pressed={face === "fields"}
            title={isFrame ? "The fields of this frame's message" : "The frame of this message, and where its fields are in it"}
            data-testid="event-fields"
            onClick={() => (isFrameShown.value = face !== "fields")}
          >
            {isFrame ? "Fields" : "Frame"}
          </button>
        )}
      </EventActions>
      <div class="scroll" tabIndex={0} role="region" aria-label="Content of the event">
        <Content event={event} face={face} />
      </div>
    </section>
  );
}

function Content({ event, face }: { event: StoredEvent; face: "json" | "hex" | "fields" }) {
  if (face === "fields") return <FrameFields event={event} />;
  return face === "hex" && event.bytes !== undefined ? <HexView base64={event.bytes} /> : <EventJson event={event} />;
}

function EventJson({ event }: { event: StoredEvent }) {
  const value = useMemo(() => exactEvent(event), [event]);
  return <JsonView value={value} />;
}

/** The neighbouring events of the list, for narrow panels in which the event replaces the list. */
function Neighbours({ event }: { event: StoredEvent }) {
  const all = inspectorEvents.value ?? [];
  const at = all.findIndex(({ eventId }) => eventId === event.eventId);
  const step = (to: StoredEvent | undefined, name: string, sign: string) => (
    <button type="button" class="icon" disabled={to === undefined} aria-label={name} onClick={() => to !== undefined && inspectEvent(to)}>
      {sign}
    </button>
  );
  return (
    <span class="neighbours">
      {step(at < 0 ? undefined : all[at - 1], "Newer event of the list", "↑")}
      {step(at < 0 ? undefined : all[at + 1], "Older event of the list", "↓")}
    </span>
  );
}

function EventTimes({ event }: { event: StoredEvent }) {
  return (
    <dl class="times">
      <div>
        <dt>source</dt>
        <dd>{formatTime(event.sourceTruthTime)}</dd>
      </div>
      <div>
        <dt>received</dt>
        <dd>{formatTime(event.canonicalTruthTime)}</dd>
      </div>
    </dl>
  );
}

/** The moment of an event, to look at aside. */
function peekOf(event: StoredEvent): Peek {
  return { entity: event, time: eventTime(event, timebase.value), title: eventKind(event) };
}

function EventActions({ event, children }: { event: StoredEvent; children: preact.ComponentChildren }) {
  const [said, say] = useState("");
  const copy = async (text: string, what: string) => {
    say((await copyText(text)) ? `${what} copied.` : "The browser denied access to the clipboard.");
  };
  return (
    <div class="acts">
      {children}
      <button type="button" data-testid="copy-envelope" onClick={() => void copy(envelopeText(event), "Envelope")}>
        Copy envelope
      </button>
      <button
        type="button"
        data-testid="copy-link"
        onClick={() => void copiedEventLink(event, timebase.value).then((link) => copy(link, "Link"))}
      >
        Copy link
      </button>
      <button type="button" data-testid="event-seek" onClick={() => seek(eventTime(event, timebase.value))}>
        Move clock here
      </button>
      <button type="button" data-testid="event-peek" onClick={() => void openPeek(peekOf(event))}>
        Values then
      </button>
      <span class="muted" role="status">
        {said}
      </span>
    </div>
  );
}
