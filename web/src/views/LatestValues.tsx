/** The latest values of the chosen entity at the cursor, with their age. */

import { selected } from "../model/entities";
import { shown, type StoredEvent, timeOf, values } from "../model/event";
import { latest } from "../model/latest";
import { age, readable, toMs } from "../model/time";
import { cursorMs, timebase } from "../model/timeline";

export function LatestValues() {
  const entity = selected.value;
  return (
    <section class="panel" aria-label="Latest values">
      <div class="panel-head">
        <h2>{entity === null ? "Latest values" : entity.uniqueId}</h2>
        <span class="muted">latest values</span>
      </div>
      <div class="scroll">
        {entity === null ? (
          <p class="empty">Choose an entity on the left.</p>
        ) : latest.value.size === 0 ? (
          <p class="empty" data-testid="latest-empty">
            Nothing was known of it at this time. Move the clock on, or go LIVE.
          </p>
        ) : (
          [...latest.value].map(([key, event]) => <Series key={key} name={key} event={event} />)
        )}
      </div>
    </section>
  );
}

function Series({ name, event }: { name: string; event: StoredEvent }) {
  const time = timeOf(event, timebase.value);
  return (
    <table class="values" data-testid="latest-series" data-series={name}>
      <caption>
        <span class={`lane ${event.lane}`}>{event.lane}</span>
        <strong>{event.viewId ?? event.messageType ?? "raw frame"}</strong>
        <span class="muted" title={readable(time)}>
          {age(cursorMs.value - toMs(time))} ago
        </span>
      </caption>
      <tbody>
        {values(event).map(([path, value]) => (
          <tr key={path} data-testid="latest-row" data-key={path}>
            <th scope="row">{path}</th>
            <td class={typeof value === "number" ? "number" : ""}>{shown(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
