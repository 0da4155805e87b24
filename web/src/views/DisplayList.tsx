/** The displays that the edge keeps for this user: to open, share, make the default, and delete. */

import { useState } from "preact/hooks";
import type { DisplayInfo, DisplayVersionInfo } from "../api/protocol";
import { hasUnsaved } from "../model/displays/display_dialog";
import { displaySource } from "../model/displays/open_display";
import {
  deleteDisplay,
  displays,
  displaysLeftOut,
  displayVersions,
  maySetDefault,
  mayShareDisplays,
  openDisplay,
  setDefaultDisplay,
  shareDisplay,
  type ShareRole,
} from "../model/displays/stored_displays";
import { formatTime } from "../model/values/time";
import { QuestionDialog } from "./QuestionDialog";

const SHARED: Readonly<Record<ShareRole, string>> = { viewer: "everybody", operator: "operators and admins", admin: "admins" };
const EDITORS = { operator: "operators and admins", admin: "admins" } as const;

export function DisplayList({ close }: { close: () => void }) {
  const [wanted, setWanted] = useState<DisplayInfo | null>(null);
  const [deleted, setDeleted] = useState<DisplayInfo | null>(null);
  const show = (info: DisplayInfo) => void openDisplay(info.displayId).then((isOpen) => isOpen && close());
  return (
    <section aria-label="Kept displays">
      <h3>Kept displays</h3>
      {displays.value.length === 0 && <p class="muted">None yet. Save this one under a name to find it in every browser, and to share it.</p>}
      <ul class="display-list">
        {displays.value.map((info) => (
          <OneDisplay key={info.displayId} info={info} open={() => (hasUnsaved() ? setWanted(info) : show(info))} remove={() => setDeleted(info)} />
        ))}
      </ul>
      {displaysLeftOut.value > 0 && <p class="muted">{displaysLeftOut.value} more have no room in the list.</p>}
      {wanted !== null && (
        <QuestionDialog
          title={`Open ${wanted.name}?`}
          words="The display on the screen has changes that are not saved. They are lost when another one is opened."
          action="Open it"
          confirm={() => {
            setWanted(null);
            show(wanted);
          }}
          close={() => setWanted(null)}
          testId="display-leave"
        />
      )}
      {deleted !== null && (
        <QuestionDialog
          title={`Delete ${deleted.name}?`}
          words="All its versions are deleted, for everybody with whom it is shared."
          action="Delete it"
          confirm={() => {
            setDeleted(null);
            void deleteDisplay(deleted);
          }}
          close={() => setDeleted(null)}
          testId="display-delete"
        />
      )}
    </section>
  );
}

function OneDisplay({ info, open, remove }: { info: DisplayInfo; open: () => void; remove: () => void }) {
  const isOpen = displaySource.value?.displayId === info.displayId;
  return (
    <li data-testid="display-entry" data-name={info.name}>
      <div class="option-row">
        <button type="button" class="display-name" aria-pressed={isOpen} data-testid="display-open" onClick={open}>
          {info.name}
        </button>
        <span class="muted">{aboutText(info)}</span>
      </div>
      {isOpen && <Details info={info} remove={remove} />}
    </li>
  );
}

function aboutText({ own, owner, origin, sharedWith, defaultOf = [] }: DisplayInfo): string {
  const whose = origin === "folder" ? "of the instance" : own ? "yours" : `of ${owner}`;
  const shared = origin === "folder" || sharedWith == null ? "" : `, shared with ${SHARED[sharedWith]}`;
  const scopes = defaultOf.map((scope) => (scope === "" ? "every scope" : scope));
  return `${whose}${shared}${scopes.length > 0 ? `, default of ${scopes.join(", ")}` : ""}`;
}

/** What its owner and admins may do with the display that is open. */
function Details({ info, remove }: { info: DisplayInfo; remove: () => void }) {
  const { displayId, sharedWith = null, editableBy = null } = info;
  return (
    <div class="display-details">
      {info.mayShare && mayShareDisplays() && (
        <div class="display-buttons">
          <label>
            Seen by{" "}
            <select
              data-testid="share-with"
              value={sharedWith ?? ""}
              onChange={(event) => void shareDisplay(displayId, (event.currentTarget.value || null) as ShareRole | null, editableBy)}
            >
              <option value="">nobody else</option>
              {Object.entries(SHARED).map(([role, who]) => (
                <option key={role} value={role}>
                  {who}
                </option>
              ))}
            </select>
          </label>
          <label>
            Changed by{" "}
            <select
              data-testid="editable-by"
              disabled={sharedWith === null}
              value={editableBy ?? ""}
              onChange={(event) => void shareDisplay(displayId, sharedWith, (event.currentTarget.value || null) as keyof typeof EDITORS | null)}
            >
              <option value="">nobody else</option>
              {Object.entries(EDITORS).map(([role, who]) => (
                <option key={role} value={role}>
                  {who}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <Defaults info={info} />
      {info.mayChange && <Versions displayId={displayId} key={info.version} />}
      {info.mayShare && (
        <button type="button" data-testid="display-remove" onClick={remove}>
          Delete…
        </button>
      )}
    </div>
  );
}

function Defaults({ info }: { info: DisplayInfo }) {
  if (!maySetDefault.value || info.sharedWith !== "viewer") return null;
  const isOf = new Set(info.defaultOf ?? []);
  return (
    <div class="display-buttons" role="group" aria-label="Default">
      Default of
      {["", ...(info.named ?? [])].map((scope) => (
        <label key={scope}>
          <input
            type="checkbox"
            data-testid="default-of"
            data-scope={scope}
            checked={isOf.has(scope)}
            onChange={(event) => void setDefaultDisplay(scope, event.currentTarget.checked ? info.displayId : null)}
          />{" "}
          {scope === "" ? "every scope without its own" : scope}
        </label>
      ))}
    </div>
  );
}

function Versions({ displayId }: { displayId: string }) {
  const [versions, setVersions] = useState<readonly DisplayVersionInfo[] | string | null>(null);
  const read = () =>
    displayVersions(displayId).then(setVersions, (error: Error) => setVersions(error.message));
  return (
    <details onToggle={(event) => event.currentTarget.open && versions === null && void read()}>
      <summary data-testid="display-versions">Versions</summary>
      {typeof versions === "string" && <p class="form-problem">{versions}</p>}
      <ul class="display-list">
        {(typeof versions === "string" ? [] : (versions ?? [])).map(({ version, name, saved, savedBy }) => (
          <li key={version} class="option-row">
            <span>
              {version}: {name} <span class="muted">{formatTime(saved)} UTC by {savedBy}</span>
            </span>
            <button type="button" data-testid="version-open" data-version={version} onClick={() => void openDisplay(displayId, version)}>
              Show
            </button>
          </li>
        ))}
      </ul>
      <p class="muted">A former version is shown as a change of the newest one: save it to have it back.</p>
    </details>
  );
}
