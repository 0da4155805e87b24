/** The parts of the page that its first view does without: the tools of the header, most panels, the timeline, dialogs. */

import { useLayoutEffect } from "preact/hooks";
import { openFinder } from "../model/finder/finder";
import { openDisplays } from "../model/displays/display_dialog";
import { display, isDisplayChanged } from "../model/displays/open_display";
import { linksOpen } from "../model/session/links";
import { searchOpen } from "../model/search/search_form";
import { role } from "../model/session/session";
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
import { Notices } from "./Notices";
import { PeekPanel } from "./PeekPanel";
import { SearchPanel } from "./SearchPanel";
import { LoginAgain } from "./SessionEnd";
import { helpOpen, shortcutOf } from "./shortcuts";
import { TimelineBar } from "./TimelineBar";

export { startPanelsSync } from "../model/layout/panels_sync";
export { AlarmPanel } from "./AlarmPanel";
export { Cards } from "./Cards";
export { Chat } from "./Chat";
export { CommandPanel } from "./CommandPanel";
export { FrameButton } from "./FrameButton";
export { GroundTrack } from "./GroundTrack";
export { Inspector } from "./Inspector";
export { Plots } from "./Plots";
export { Shields } from "./Shields";

export function HeaderTools() {
  return (
    <>
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
    </>
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

/** Above the panels. */
export function Banners() {
  return (
    <>
      <AlarmBanner />
      <AlarmAnnouncer />
    </>
  );
}

/** Beside the panels. */
export function SidePanels() {
  return (
    <>
      {searchOpen.value && <SearchPanel />}
      <PeekPanel />
    </>
  );
}

/** Below the panels, and over the page. */
export function Lower() {
  // With the parts themselves: who sees the timeline may press its keys.
  useLayoutEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
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
    </>
  );
}

function onKey(event: KeyboardEvent): void {
  // Of an open dialog all keys are its own, also while the focus is on none of its elements.
  if (document.querySelector("dialog:modal") !== null) return;
  const found = shortcutOf(event);
  if (found === undefined) return;
  event.preventDefault();
  found.act();
}
