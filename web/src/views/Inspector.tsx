/** The event inspector: filtered events of any lane, page by page, and one of them in full. */

import { linkError } from "../model/address/deep_link";
import { state, timebase } from "../model/clock/clock";
import { selectedEntity } from "../model/entities/entities";
import {
  inspectedEvent,
  inspectEvent,
  inspectorError,
  inspectorEvents,
  inspectorRange,
  inspectorSelectedOnly,
  isInspectorPending,
  isListHeld,
  newerPage,
  nextKey,
  olderPage,
  pageNumber,
  refreshInspector,
} from "../model/events/inspector";
import { selection } from "../model/timeline/span";
import { entityKey, eventKind, eventSummary, eventTime, type StoredEvent } from "../model/values/event";
import { formatTime } from "../model/values/time";
import { AheadMark } from "./AheadMark";
import { EventDetail } from "./EventDetail";
import { InspectorFilters } from "./InspectorFilters";
import { Empty, ErrorNotice, Pane } from "./Pane";

export function Inspector() {
  return (
    <Pane id="inspector" tools={<Paging />}>
      <div class={`pane-body ${inspectedEvent.value === null ? "" : "open"}`}>
        <InspectorFilters />
        <ErrorNotice text={inspectorError.value} />
        {linkError.value !== "" && (
          <p class="pane-trouble" role="status">
            {linkError.value}
          </p>
        )}
        <div class="inspector">
          <div class="scroll" tabIndex={0} role="region" aria-label="Events found">
            <List />
          </div>
          {inspectedEvent.value !== null && <EventDetail key={inspectedEvent.value.eventId} event={inspectedEvent.value} />}
        </div>
      </div>
    </Pane>
  );
}

function Paging() {
  const quietly = (work: Promise<void>) => void work.catch(() => undefined);
  const isBehind = isListHeld.value || pageNumber.value > 1;
  return (
    <div class="paging" role="group" aria-label="Pages of events">
      <button type="button" disabled={!isBehind} data-testid="event-newest" onClick={() => quietly(refreshInspector())}>
        Newest
      </button>
      <button type="button" disabled={pageNumber.value < 2} aria-label="Newer events" onClick={() => quietly(newerPage())}>
        ‹
      </button>
      <span class="muted">{pageNumber.value}</span>
      <button
        type="button"
        disabled={nextKey.value === null}
        aria-label="Older events"
        data-testid="event-more"
        onClick={() => quietly(olderPage())}
      >
        ›
      </button>
    </div>
  );
}

function List() {
  const found = inspectorEvents.value;
  if (inspectorSelectedOnly.value && selectedEntity.value === null) return <Empty>Select an entity in the tree, or show all entities.</Empty>;
  if (inspectorRange.value === "selection" && selection.value === null) {
    return <Empty>No range is selected: drag with Shift on the timeline, or choose another range.</Empty>;
  }
  if (found === null || (found.length === 0 && isInspectorPending.value)) return <Empty>Loading events…</Empty>;
  if (found.length === 0) return <Empty testid="events-empty">No matching events {TIMES[inspectorRange.value]}.</Empty>;
  return (
    <table class="events">
      <thead>
        <tr>
          <th scope="col">{timebase.value === "source" ? "Source time" : "Receive time"}</th>
          <th scope="col">Lane</th>
          {!inspectorSelectedOnly.value && <th scope="col">Entity</th>}
          <th scope="col">Type</th>
          <th scope="col">Values</th>
        </tr>
      </thead>
      <tbody>
        {found.map((event) => (
          <OneEvent key={event.eventId} event={event} />
        ))}
      </tbody>
    </table>
  );
}

const TIMES = {
  clock: "up to the clock's time",
  visible: "in the visible span",
  selection: "in the selected range",
  ahead: "dated ahead of now",
  late: "that came after the link",
} as const;

function OneEvent({ event }: { event: StoredEvent }) {
  const time = eventTime(event, timebase.value);
  const isChosen = inspectedEvent.value?.eventId === event.eventId;
  return (
    <tr
      class={isChosen ? "chosen" : ""}
      data-testid="event-row"
      data-time={time}
      data-lane={event.lane}
      onClick={() => inspectEvent(event)}
    >
      <td>
        <button
          type="button"
          class="time-button"
          aria-pressed={isChosen}
          title={state.value === "LIVE" ? "Show the event; the clock stays LIVE" : "Show the event and move the clock to it"}
          onClick={(click) => {
            click.stopPropagation();
            inspectEvent(event);
          }}
        >
          <time>{formatTime(time)}</time>
        </button>
        <AheadMark event={event} />
      </td>
      <td>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
      </td>
      {!inspectorSelectedOnly.value && (
        <td title={entityKey(event)}>
          {event.scopeId} <strong>{event.uniqueId}</strong>
        </td>
      )}
      <td>{eventKind(event)}</td>
      <td class="summary">{eventSummary(event)}</td>
    </tr>
  );
}
