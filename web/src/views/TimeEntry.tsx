/** Seeking to a time: as ISO text, with a calendar, or by a shortcut. All in UTC. */

import { useRef, useState } from "preact/hooks";
import { cursor, cursorMs, seek } from "../model/clock/clock";
import { extent } from "../model/timeline/timeline_data";
import { fromFineMs, fromMs, parseTime, toFineMs } from "../model/values/time";
import { Icon } from "./Icon";

const HOUR_MS = 3_600_000;

export function TimeEntry() {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const go = (event: Event) => {
    event.preventDefault();
    const time = parseTime(text);
    setWrong(time === undefined);
    if (time !== undefined) seek(time);
  };
  return (
    <form class="seek" onSubmit={go}>
      <input
        data-testid="seek-input"
        aria-label="Go to a time, UTC"
        aria-invalid={wrong}
        class={wrong ? "wrong" : ""}
        placeholder="2026-01-31 12:00:00 UTC"
        title="A time such as 2026-01-31T12:00:00Z; UTC if no zone is given"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
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

/** Escape closes only the calendar. */
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
          autofocus
          data-testid="calendar-input"
          value={fromMs(cursorMs.value).slice(0, 19)}
          onChange={(event) => go(parseTime(event.currentTarget.value))}
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
