/** A look aside: another moment of an entity in a panel beside the others, while LIVE goes on. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { closePeek, goToPeek, openPeek, peek, peekAlarms, peekError, peekEvents } from "../model/peek/peek";
import { fieldUnit } from "../model/plots/plot_fields";
import { sampledSeriesOf } from "../model/plots/sampling";
import { alarmName } from "../model/alarms/alarm_list";
import { alarmKey } from "../model/alarms/alarm_window";
import { timebase } from "../model/clock/clock";
import { entityKey, eventKind, eventTime, type StoredEvent, valueRows, valueText } from "../model/values/event";
import { formatTime } from "../model/values/time";
import { unitOf } from "../model/values/units";
import { AlarmSign } from "./Status";
import "../peek.css";

export function PeekPanel() {
  const element = useRef<HTMLElement>(null);
  const of = peek.value;
  useLayoutEffect(() => element.current?.focus(), [of]);
  if (of === null) return null;
  return (
    <aside
      class="peek"
      ref={element}
      tabIndex={-1}
      aria-label="Another moment"
      data-testid="peek"
      data-time={of.time}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        closePeek();
      }}
    >
      <div class="peek-head">
        <strong>{of.title}</strong>
        <button type="button" class="icon" aria-label="Close" data-testid="peek-close" onClick={closePeek}>
          ✕
        </button>
      </div>
      <p class="muted">
        {entityKey(of.entity)} as of <time>{formatTime(of.time)}</time> UTC. The clock stays where it is.
      </p>
      <div class="peek-ways">
        <button type="button" data-testid="peek-go" onClick={goToPeek}>
          Move the clock there
        </button>
      </div>
      <Content />
    </aside>
  );
}

function Content() {
  if (peekError.value !== "") {
    return (
      <p class="pane-trouble" role="status">
        No answer from the archive: {peekError.value}.{" "}
        <button type="button" onClick={() => peek.value !== null && void openPeek(peek.value)}>
          Ask again
        </button>
      </p>
    );
  }
  const events = peekEvents.value;
  if (events === null) return <p class="muted">Loading values…</p>;
  return (
    <div class="peek-values" tabIndex={0} role="region" aria-label="Values at that moment">
      {peekAlarms.value.map((alarm) => (
        <p key={alarmKey(alarm)} data-testid="peek-alarm">
          <AlarmSign alarm={alarm} /> {alarm.severity ?? ""} {alarmName(alarm)}, {alarm.state}
        </p>
      ))}
      {events.length === 0 && <p class="muted">Nothing of it was known at that moment.</p>}
      {events.filter(({ lane }) => lane !== "metadata").map((event) => (
        <Series key={event.eventId} event={event} />
      ))}
    </div>
  );
}

function Series({ event }: { event: StoredEvent }) {
  const series = sampledSeriesOf(event);
  return (
    <table class="values">
      <caption>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <strong>{eventKind(event)}</strong>
        <time class="muted">{formatTime(eventTime(event, timebase.value))}</time>
      </caption>
      <tbody>
        {valueRows(event).map(([path, value]) => (
          <tr key={path} data-testid="peek-row" data-key={path}>
            <th scope="row">{path}</th>
            <td class={typeof value === "number" ? "number" : ""}>
              {valueText(value)}
              <span class="unit"> {series === undefined ? unitOf(path) : fieldUnit({ series, field: path })}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
