/** The page: log in, or the timeline with its panels. */

import { useEffect } from "preact/hooks";
import type { StatusResponse } from "../api/protocol";
import { isSilent, isStalled } from "../model/clock/clock";
import { acknowledgedGaps, gapCount, unreachableText } from "../model/session/links";
import { processesText } from "../model/session/processes";
import {
  connection,
  coreUnavailable,
  mustChangePassword,
  notice,
  status,
  unansweredText,
  user,
} from "../model/session/session";
import { latePage, loadLatePage } from "./late_page";
import { Login } from "./Login";
import { LoadNotice } from "./Pane";
import { Panels } from "./Panels";
import { ForcedPassword } from "./PasswordForm";

/** What the page shows the archive of; its counts are for who may see all of it. */
function instanceText({ mode, scopeId, limited, events, rejects }: StatusResponse): string {
  if (limited === true) return mode === "ground" ? "ground, your scopes" : (scopeId ?? "");
  const counts = `${events.toLocaleString("en")} events · ${rejects.toLocaleString("en")} refused`;
  return `${mode === "ground" ? "ground, all scopes" : scopeId} · ${counts}`;
}

export function App() {
  if (user.value === null) return <Login />;
  if (mustChangePassword.value) return <ForcedPassword />;
  return <Screen />;
}

function Screen() {
  useEffect(loadLatePage, []);
  const late = latePage.code.value;
  return (
    <div class="page">
      <Header />
      <GapNote />
      {late !== null && <late.Banners />}
      <main class={`stage ${isStalled.value ? "away" : ""}`} data-testid="panels">
        <Panels />
        {late !== null && <late.SidePanels />}
      </main>
      <LoadNotice text={latePage.trouble.value} />
      {late === null ? <footer class="timeline-space" /> : <late.Lower />}
    </div>
  );
}

function Header() {
  const found = status.value;
  const late = latePage.code.value;
  return (
    <header class="header">
      <h1>NOVA</h1>
      {found !== null && (
        <span class="muted">
          {instanceText(found)}
        </span>
      )}
      <Banner />
      {late !== null && <late.HeaderTools />}
    </header>
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
