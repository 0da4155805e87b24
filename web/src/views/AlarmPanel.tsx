/** The alarms as of the clock: active, unacknowledged, shelved, disabled, and their history. */

import type { ComponentChildren } from "preact";
import { alarmRefusal } from "../model/alarms/alarm_actions";
import { alarmTransitions, historyError, isHistoryCut, readOlderHistory } from "../model/alarms/alarm_history";
import {
  activeAlarms,
  alarmListing,
  alarmScope,
  alarmsError,
  alarmSeverity,
  alarmText,
  alarmTotals,
  listedAlarms,
  listedTransitions,
} from "../model/alarms/alarm_list";
import { cursor } from "../model/clock/clock";
import { alarmsPending, alarmsTrouble } from "../model/alarms/alarm_states";
import { alarmKey } from "../model/alarms/alarm_window";
import "../alarms.css";
import { AlarmChange } from "./AlarmChange";
import { AlarmFilters } from "./AlarmFilters";
import { AlarmRow } from "./AlarmRow";
import { Empty, ErrorNotice, Pane } from "./Pane";

/** More rows than these are not drawn; the filter finds the others. */
const DRAWN_MAX = 200;

export function AlarmPanel() {
  return (
    <Pane id="alarms" tools={<Tools />}>
      <AlarmFilters />
      <ErrorNotice text={alarmsError.value || historyError.value} />
      <Content />
    </Pane>
  );
}

function Tools() {
  return (
    <>
      <Counts />
      <input
        type="search"
        aria-label="Text of the alarms"
        placeholder="Search"
        data-testid="alarm-text"
        value={alarmText.value}
        onInput={(event) => (alarmText.value = event.currentTarget.value)}
      />
    </>
  );
}

function Counts() {
  const { raised, acknowledged } = alarmTotals.value;
  return (
    <span class="muted alarm-totals" data-testid="alarm-totals" data-raised={raised} data-acknowledged={acknowledged}>
      {raised} raised, {acknowledged} ack
    </span>
  );
}

/** What is missing, and why nothing can be done. */
function Notes() {
  return (
    <>
      {alarmsTrouble.value !== "" && (
        <p class="pane-trouble" role="status" data-testid="alarms-behind">
          {alarmsTrouble.value}
        </p>
      )}
      {alarmRefusal.value !== "" && (
        <p class="muted why" role="status" data-testid="alarm-refusal">
          {alarmRefusal.value}
        </p>
      )}
    </>
  );
}

function Content() {
  if (alarmListing.value === "history") return <History />;
  const all = listedAlarms.value;
  if (all === null) return <Empty>{alarmsTrouble.value || "Loading alarms…"}</Empty>;
  if (all.length === 0) return <Nothing />;
  return (
    <List label="Alarms" count={all.length}>
      {all.slice(0, DRAWN_MAX).map((alarm) => (
        <AlarmRow key={alarmKey(alarm)} alarm={alarm} />
      ))}
    </List>
  );
}

function History() {
  const all = listedTransitions.value;
  if (all === null) return <Empty>Loading history…</Empty>;
  if (all.length === 0) return <Nothing />;
  return (
    <List label="History of alarms" count={all.length}>
      {all.slice(0, DRAWN_MAX).map((one) => (
        <AlarmChange key={`${one.time} ${one.change} ${alarmKey(one.alarm)}`} transition={one} />
      ))}
    </List>
  );
}

/** The time of the list, for programs that read the page. */
function AsOf() {
  return <span hidden data-testid="alarms-as-of" data-time={cursor.value} />;
}

function List({ label, count, children }: { label: string; count: number; children: ComponentChildren }) {
  return (
    <div
      class={`scroll ${alarmsPending.value ? "awaited-soon" : ""}`}
      tabIndex={0}
      role="region"
      aria-label={label}
      aria-busy={alarmsPending.value}
      data-testid="alarm-list"
    >
      <AsOf />
      <Notes />
      <ul class="rule-alarms">{children}</ul>
      {count > DRAWN_MAX && (
        <p class="muted why">
          {DRAWN_MAX} of {count.toLocaleString("en")} are shown; narrow the list.
        </p>
      )}
      {alarmListing.value === "history" && isHistoryCut.value && <OlderNotRead />}
    </div>
  );
}

/** An empty list is not said to be whole where something is missing. */
function Nothing() {
  return (
    <div class={alarmsPending.value ? "awaited-soon" : ""} aria-busy={alarmsPending.value} data-testid="alarm-list">
      <AsOf />
      <Notes />
      <WhyNothing />
    </div>
  );
}

/** How far back the history is read, and a button to read on. */
function OlderNotRead() {
  const count = alarmTransitions.value?.length ?? 0;
  return (
    <p class="muted why" data-testid="alarms-older">
      Only the newest {count.toLocaleString("en")} changes of this span are searched.{" "}
      <button type="button" class="more" data-testid="alarms-read-on" onClick={readOlderHistory}>
        Search older ones
      </button>
    </p>
  );
}

function WhyNothing() {
  if (alarmListing.value === "history" && isHistoryCut.value) {
    return (
      <>
        <Empty testid="alarms-empty">No alarm matches so far.</Empty>
        <OlderNotRead />
      </>
    );
  }
  if (alarmText.value !== "" || alarmSeverity.value !== "" || alarmScope.value !== "") {
    return <Empty testid="alarms-empty">No alarm matches. Clear the text, the severity or the scope.</Empty>;
  }
  const listing = alarmListing.value;
  if (listing === "history") {
    return <Empty testid="alarms-empty">No alarm changed in the visible span up to the clock. Zoom out for more.</Empty>;
  }
  const isNone = activeAlarms.value?.length === 0 && (listing === "active" || listing === "unacknowledged");
  return (
    <Empty testid="alarms-empty">
      No {listing} alarms at this time.
      {isNone && (
        <>
          {" "}
          Rules are files *.toml in the folder that the setting alarm_rules names; check them with
          <code>nova rules check FOLDER</code>
        </>
      )}
    </Empty>
  );
}
