/** The page: log in, or the timeline with its panels. */

import { useEffect } from "preact/hooks";
import type { StatusResponse } from "../api/protocol";
import { isSilent, isStalled } from "../model/clock/clock";
import { openFinder } from "../model/finder/finder";
import { openDisplays } from "../model/displays/display_dialog";
import { display, isDisplayChanged } from "../model/displays/open_display";
import { acknowledgedGaps, gapCount, linksOpen, unreachableText } from "../model/session/links";
import { processesText } from "../model/session/processes";
import { searchOpen } from "../model/search/search_form";
import {
  connection,
  coreUnavailable,
  mustChangePassword,
  notice,
  role,
  status,
  unansweredText,
  user,
} from "../model/session/session";
import { Account } from "./Account";
import { AlarmAnnouncer, AlarmBanner } from "./AlarmBanner";
import { AlarmsChip, PresentAlarmsChip } from "./AlarmCounts";
import { ConfirmDialog } from "./ConfirmDialog";
import { ExportDialog } from "./ExportDialog";
import { Finder } from "./Finder";
import { SessionButtons, ThemeButton } from "./HeaderButtons";
import { Help } from "./Help";
import { LinksChip, LinksPanel } from "./Links";
import { LateDisplays, LatePanelSettings } from "./late_dialogs";
import { Login } from "./Login";
import { Notices } from "./Notices";
import { PeekPanel } from "./PeekPanel";
import { Panels } from "./Panels";
import { ForcedPassword } from "./PasswordForm";
import { SearchPanel } from "./SearchPanel";
import { helpOpen, shortcutOf } from "./shortcuts";
import { LoginAgain } from "./SessionEnd";
import { TimelineBar } from "./TimelineBar";

/** What the page shows the archive of; its counts are for who may see all of it. */
function instanceText({ mode, scopeId, limited, events, rejects }: StatusResponse): string {
  if (limited === true) return mode === "ground" ? "ground, your scopes" : (scopeId ?? "");
  const counts = `${events.toLocaleString("en")} events · ${rejects.toLocaleString("en")} refused`;
  return `${mode === "ground" ? "ground, all scopes" : scopeId} · ${counts}`;
}

export function App() {
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  if (user.value === null) return <Login />;
  if (mustChangePassword.value) return <ForcedPassword />;
  return (
    <div class="page">
      <Header />
      <GapNote />
      <AlarmBanner />
      <AlarmAnnouncer />
      <main class={`stage ${isStalled.value ? "away" : ""}`} data-testid="panels">
        <Panels />
        {searchOpen.value && <SearchPanel />}
        <PeekPanel />
      </main>
      <Notices />
      <TimelineBar />
      {linksOpen.value && <LinksPanel />}
      <ConfirmDialog />
      <LatePanelSettings />
      <LateDisplays />
      <ExportDialog />
      <Account />
      <LoginAgain />
      <Finder />
      {helpOpen.value && <Help close={() => (helpOpen.value = false)} />}
    </div>
  );
}

function Header() {
  const found = status.value;
  return (
    <header class="header">
      <h1>NOVA</h1>
      {found !== null && (
        <span class="muted">
          {instanceText(found)}
        </span>
      )}
      <Banner />
      <PresentAlarmsChip />
      <AlarmsChip />
      <LinksChip />
      <button type="button" title="Find an entity, a field, a command, an action (Ctrl K)" data-testid="finder-open" onClick={openFinder}>
        Find
      </button>
      <button
        type="button"
        title="Search the archive (F)"
        aria-expanded={searchOpen.value}
        data-testid="search-open"
        onClick={() => (searchOpen.value = !searchOpen.value)}
      >
        Search
      </button>
      <DisplayButton />
      <ThemeButton />
      <button type="button" onClick={() => (helpOpen.value = true)} aria-label="Keyboard shortcuts">
        ?
      </button>
      {role.value === "admin" && (
        <a class="button" href="/admin" title="Users, API keys and the audit trail" data-testid="admin-link">
          Manage
        </a>
      )}
      <SessionButtons />
    </header>
  );
}

/** The display on the screen; a dot says that it has changes that are not saved. */
function DisplayButton() {
  const { name } = display.value;
  const isChanged = isDisplayChanged.value;
  return (
    <button
      type="button"
      class="display-button"
      title={`Display: ${name}${isChanged ? ", with changes that are not saved" : ""}`}
      aria-haspopup="dialog"
      data-testid="displays-open"
      onClick={openDisplays}
    >
      {name}
      {isChanged ? " •" : ""}
    </button>
  );
}

/** Uses the free space of the header, so that nothing shifts when it appears. */
function Banner() {
  const trouble = connectionProblem();
  const text = trouble ?? (connection.value === "connecting" ? "Connecting…" : notice.value);
  return (
    <div class="spacer" role="status">
      {text !== "" && (
        <p class={`banner ${trouble === undefined ? "" : "bad"}`} title={text} data-testid="banner">
          {text}
        </p>
      )}
    </div>
  );
}

function GapNote() {
  const unseen = gapCount.value - acknowledgedGaps.value;
  if (unseen <= 0) return null;
  return (
    <div class="banner note" role="status" data-testid="gap-note">
      {unseen === 1 ? "A range of records was" : `${unseen} ranges of records were`} gone before this archive read
      {unseen === 1 ? "it" : "them"}: see the IngestGap events in the metadata lane.
      <button type="button" onClick={() => (acknowledgedGaps.value = gapCount.value)}>
        Dismiss
      </button>
    </div>
  );
}

function connectionProblem(): string | undefined {
  if (connection.value === "lost") {
    return "The connection is lost; reconnecting. The values shown are no longer live.";
  }
  if (unansweredText.value !== undefined) return `${unansweredText.value} The values shown are no longer live.`;
  if (connection.value !== "open") return undefined;
  if (coreUnavailable.value) return "The Core does not answer; retrying. The values shown are no longer live.";
  if (isSilent.value) return "No data for some seconds. The values shown may not be live.";
  if (status.value?.writerConnected === false) {
    return "The writer is away: the archive can be read, but nothing new is stored.";
  }
  return processesText(status.value?.processes ?? []) ?? unreachableText();
}

function onKey(event: KeyboardEvent): void {
  // Of an open dialog all keys are its own, also while the focus is on none of its elements.
  if (user.value === null || document.querySelector("dialog:modal") !== null) return;
  const found = shortcutOf(event);
  if (found === undefined) return;
  event.preventDefault();
  found.act();
}
