/** Seeking to a time: as text, with a calendar, or by a shortcut. All in UTC. */

import { useRef, useState } from "preact/hooks";
import { cursor, cursorMs, seek } from "../model/clock/clock";
import { typedTime, TYPED_TIMES } from "../model/clock/typed_time";
import { extent } from "../model/timeline/timeline_data";
import { goToPresent } from "../model/timeline/timeline_sync";
import { fromFineMs, fromMs, parseTime, toFineMs } from "../model/values/time";
import { Icon } from "./Icon";

const HOUR_MS = 3_600_000;

export function TimeEntry() {
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const go = (event: Event) => {
    event.preventDefault();
    const found = typedTime(text, cursor.value, Date.now());
    setFault("fault" in found ? found.fault : "");
    if ("time" in found) seek(found.time);
    else if ("isPresent" in found) goToPresent();
  };
  const change = (typed: string) => {
    setText(typed);
    setFault("");
  };
  return (
    <form class="seek" onSubmit={go}>
      <input
        data-testid="seek-input"
        aria-label="Go to a time, UTC"
        aria-invalid={fault !== ""}
        aria-describedby="seek-fault"
        class={fault === "" ? "" : "wrong"}
        placeholder="21:59:26, -10m, now, date"
        title={`UTC if no zone is given: ${TYPED_TIMES}`}
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && fault !== "" && closeBy(event, () => setFault(""))}
      />
      <p id="seek-fault" class="seek-fault" role="alert" hidden={fault === ""} data-testid="seek-fault">
        {fault}
      </p>
      <button type="submit" data-testid="seek-go">
        Go
      </button>
      <Calendar />
    </form>
  );
}

function Calendar() {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="calendar" onKeyDown={(event) => open && event.key === "Escape" && closeBy(event, close)}>
      <button
        ref={button}
        type="button"
        aria-label="Calendar"
        aria-haspopup="dialog"
        aria-expanded={open}
        title="Calendar"
        data-testid="calendar-open"
        onClick={() => setOpen(!open)}
      >
        <Icon name="calendar" />
      </button>
      {open && <Popover close={close} />}
    </div>
  );
}

/** Escape closes only what is open here. */
function closeBy(event: KeyboardEvent, close: () => void): void {
  event.preventDefault();
  event.stopPropagation();
  close();
}

function Popover({ close }: { close: () => void }) {
  const go = (time: string | undefined) => {
    if (time !== undefined) seek(time);
  };
  const known = extent.value ?? undefined;
  return (
    <div class="popover" role="dialog" aria-label="Go to a time" data-testid="calendar">
      <label>
        Date and time, UTC
        <input
          type="datetime-local"
          step="1"
          min="1677-09-22T00:00:00"
          max="2262-04-11T23:47:16"
          autofocus
          data-testid="calendar-input"
          // Not the moving clock: in LIVE it would overwrite what is typed.
          defaultValue={fromMs(cursorMs.peek()).slice(0, 19)}
          onChange={(event) => go(parseTime(event.currentTarget.value))}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            // The form around would go to the time that is typed beside the calendar.
            event.preventDefault();
            go(parseTime(event.currentTarget.value));
          }}
        />
      </label>
      <div class="ways">
        <Way name="First event" go={() => go(known && fromFineMs(known.startMs))} />
        <Way name="Last event" go={() => go(known && fromFineMs(known.stopMs))} />
        <Way name="1 hour back" go={() => go(back(HOUR_MS))} />
        <Way name="1 day back" go={() => go(back(24 * HOUR_MS))} />
      </div>
      <button type="button" onClick={close}>
        Close
      </button>
    </div>
  );
}

function Way({ name, go }: { name: string; go: () => void }) {
  return (
    <button type="button" onClick={go}>
      {name}
    </button>
  );
}

function back(byMs: number): string {
  return fromFineMs(toFineMs(cursor.value) - byMs);
}
