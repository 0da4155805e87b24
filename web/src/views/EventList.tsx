/** Events of the chosen entity up to the cursor, newest first; a row opens to the whole envelope. */

import { useState } from "preact/hooks";
import { selected } from "../model/entities";
import { hex, type Lane, type StoredEvent, timeOf } from "../model/event";
import { deep, events, lane, loadOlder, nextKey, refreshHistory } from "../model/history";
import { readable } from "../model/time";
import { timebase } from "../model/timeline";

const LANES: readonly (Lane | "all")[] = ["all", "metadata", "command", "ui", "parsed", "raw"];
const HEX_MAX_BYTES = 4096;

export function EventList() {
  return (
    <section class="panel" aria-label="Events">
      <div class="panel-head">
        <h2>Events</h2>
        <select
          aria-label="Lane"
          data-testid="event-lane"
          value={lane.value}
          onChange={(event) => (lane.value = event.currentTarget.value as Lane | "all")}
        >
          {LANES.map((name) => (
            <option key={name} value={name}>
              {name === "all" ? "all lanes" : name}
            </option>
          ))}
        </select>
        {deep.value && (
          <button type="button" onClick={() => void refreshHistory()}>
            Newest
          </button>
        )}
      </div>
      <div class="scroll">
        {selected.value === null ? (
          <p class="empty">Choose an entity on the left.</p>
        ) : events.value.length === 0 ? (
          <p class="empty">No events of this kind up to the clock's time.</p>
        ) : (
          events.value.map((event) => <Row key={event.eventId} event={event} />)
        )}
        {nextKey.value !== null && (
          <button type="button" class="more" data-testid="event-more" onClick={() => void loadOlder()}>
            Load older
          </button>
        )}
      </div>
    </section>
  );
}

function Row({ event }: { event: StoredEvent }) {
  const [open, setOpen] = useState(false);
  return (
    <div class="event">
      <button
        type="button"
        class="row"
        aria-expanded={open}
        data-testid="event-row"
        data-time={timeOf(event, timebase.value)}
        onClick={() => setOpen(!open)}
      >
        <time>{readable(timeOf(event, timebase.value))}</time>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <span class="type">{event.viewId ?? event.messageType ?? "frame"}</span>
      </button>
      {open && <Detail event={event} />}
    </div>
  );
}

function Detail({ event }: { event: StoredEvent }) {
  return (
    <div class="detail">
      {event.bytes !== undefined && <pre class="hex">{hex(event.bytes, HEX_MAX_BYTES)}</pre>}
      <pre>{JSON.stringify(event, null, 2)}</pre>
    </div>
  );
}
