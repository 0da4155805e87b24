/** The alarms of rules as of the clock: active, unacknowledged, shelved, disabled, and their history. */

import type { ComponentChildren } from "preact";
import { alarmTotals } from "../model/alarms/alarms";
import { alarmRefusal } from "../model/alarms/alarm_actions";
import {
  activeAlarms,
  alarmListing,
  alarmScope,
  alarmsError,
  alarmSeverity,
  alarmsPending,
  alarmsTrouble,
  alarmText,
  isListCut,
  listedAlarms,
  listedTransitions,
  ruleAlarmKey,
  ruleTotals,
} from "../model/alarms/rule_alarms";
import "../alarms.css";
import { AlarmChange } from "./AlarmChange";
import { showAlarms } from "./AlarmCounts";
import { AlarmFilters } from "./AlarmFilters";
import { AlarmRow } from "./AlarmRow";
import { Empty, ErrorNotice, Pane } from "./Pane";

/** More rows than these are not drawn; the filter finds the others. */
const DRAWN_MAX = 200;

export function AlarmPanel() {
  return (
    <Pane id="alarms" tools={<Tools />}>
      <AlarmFilters />
      <ErrorNotice text={alarmsError.value} />
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
  const { raised, acknowledged } = ruleTotals.value;
  return (
    <span class="muted alarm-totals" data-testid="rule-totals" data-raised={raised} data-acknowledged={acknowledged}>
      {raised} raised, {acknowledged} ack
    </span>
  );
}

/** What is missing, why nothing can be done, and where the other alarms are. */
function Notes() {
  const cards = alarmTotals.value.out;
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
      {cards > 0 && (
        <p class="muted why">
          {cards} out of the limits of manifests:{" "}
          <button type="button" class="link" onClick={showAlarms}>
            at {cards === 1 ? "its card" : "their cards"}
          </button>
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
        <AlarmRow key={ruleAlarmKey(alarm)} alarm={alarm} />
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
        <AlarmChange key={`${one.time} ${one.change} ${ruleAlarmKey(one.alarm)}`} transition={one} />
      ))}
    </List>
  );
}

function List({ label, count, children }: { label: string; count: number; children: ComponentChildren }) {
  const isHistory = alarmListing.value === "history";
  return (
    <div
      class={`scroll ${alarmsPending.value ? "awaited-soon" : ""}`}
      tabIndex={0}
      role="region"
      aria-label={label}
      aria-busy={alarmsPending.value}
      data-testid="alarm-list"
    >
      <Notes />
      <ul class="rule-alarms">{children}</ul>
      {count > DRAWN_MAX && (
        <p class="muted why">
          {DRAWN_MAX} of {count.toLocaleString("en")} are shown; narrow the list.
        </p>
      )}
      {isListCut.value && (
        <p class="muted why">There are more than these{isHistory ? " in this span: show a shorter one" : ""}.</p>
      )}
    </div>
  );
}

/** An empty list is not said to be whole where something is missing. */
function Nothing() {
  return (
    <>
      <Notes />
      <WhyNothing />
    </>
  );
}

function WhyNothing() {
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
      No {listing} alarms of rules at this time.
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
