/** The dialog of displays: the one on the screen, its pages, and those that the edge keeps. */

import { useId, useState } from "preact/hooks";
import { NAME_MAX_CHARS, pageRenamed, PAGES_MAX } from "../model/displays/display";
import { addPage, changeDisplay, displaysOpen, removePage } from "../model/displays/display_dialog";
import { display, displayRefusal, displaySource, exportDisplay, importDisplay, isDisplayChanged } from "../model/displays/open_display";
import { displaysError, isOutdated, openDisplay, openInfo, saveDisplay, saveDisplayAs, showDefault } from "../model/displays/stored_displays";
import { addPanel, layout } from "../model/layout/layout_store";
import { saveText } from "../model/page/clipboard";
import { kindsToAdd } from "../model/panels/panel_kinds";
import "../displays.css";
import { DisplayList } from "./DisplayList";
import { useScreenModal } from "./modal";
import { pickText } from "./pick_file";

export function DisplaysDialog() {
  return displaysOpen.value ? <Dialog /> : null;
}

function Dialog() {
  const close = () => (displaysOpen.value = false);
  const modal = useScreenModal(close);
  const id = useId();
  const problem = displaysError.value || displayRefusal.value;
  return (
    <dialog {...modal} class="confirm displays" aria-labelledby={id} data-testid="displays">
      <div class="displays-head">
        <h2 id={id}>Displays</h2>
        <button type="button" data-testid="displays-close" onClick={close}>
          Close
        </button>
      </div>
      {problem !== "" && (
        <p class="form-problem" role="alert">
          {problem}
        </p>
      )}
      <OnScreen />
      <Pages />
      <AddPanel close={close} />
      <DisplayList close={close} />
    </dialog>
  );
}

/** The display on the screen: whose it is, whether it is saved, and how to save it. */
function OnScreen() {
  const [name, setName] = useState(display.value.name);
  const info = openInfo.value;
  const source = displaySource.value;
  const maySave = source !== null && info?.mayChange === true && isDisplayChanged.value && !isOutdated.value;
  return (
    <section aria-label="On the screen">
      <h3>
        On the screen: {display.value.name} <span class="muted" data-testid="display-state">{stateText()}</span>
      </h3>
      <div class="display-buttons">
        {source !== null && (
          <button type="button" class="primary" disabled={!maySave} data-testid="display-save" onClick={() => void saveDisplay()}>
            Save
          </button>
        )}
        {source !== null && isDisplayChanged.value && (
          <button type="button" data-testid="display-discard" onClick={() => void openDisplay(source.displayId)}>
            Discard my changes
          </button>
        )}
        <button type="button" data-testid="display-export" onClick={() => saveText("nova-display.json", exportDisplay())}>
          Export
        </button>
        <button type="button" data-testid="display-import" onClick={() => pickText(importDisplay)}>
          Import…
        </button>
        <button type="button" onClick={() => void showDefault()}>
          Show the default
        </button>
      </div>
      <form
        class="display-buttons"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "") void saveDisplayAs(name.trim());
        }}
      >
        <label>
          Name{" "}
          <input data-testid="display-name" maxLength={NAME_MAX_CHARS} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button type="submit" data-testid="display-save-as">
          Save as another display
        </button>
      </form>
    </section>
  );
}

function stateText(): string {
  const source = displaySource.value;
  if (source === null) return "in this browser only";
  const info = openInfo.value;
  if (info === undefined) return "deleted, or no longer shared with you; it is in this browser only";
  if (isOutdated.value) return `${info.savedBy ?? "somebody"} saved version ${info.version} since; yours is based on ${source.version}`;
  const whose = info.own ? "yours" : info.owner === "" ? "of the instance" : `of ${info.owner}`;
  return `${whose}, version ${source.version}${isDisplayChanged.value ? ", with changes that are not saved" : ""}`;
}

function Pages() {
  const { pages } = display.value;
  return (
    <section aria-label="Pages">
      <h3>Pages</h3>
      {pages.map((page, at) => (
        <div class="option-row" key={at}>
          <input
            aria-label={`Name of page ${at + 1}`}
            data-testid="page-name"
            maxLength={NAME_MAX_CHARS}
            value={page.name}
            onChange={(event) => changeDisplay((found) => pageRenamed(found, at, event.currentTarget.value))}
          />
          {pages.length > 1 && (
            <button type="button" class="icon" aria-label={`Remove ${page.name}`} onClick={() => removePage(at)}>
              ×
            </button>
          )}
        </div>
      ))}
      {pages.length < PAGES_MAX && (
        <button type="button" data-testid="page-add" onClick={addPage}>
          Add a page
        </button>
      )}
    </section>
  );
}

function AddPanel({ close }: { close: () => void }) {
  return (
    <section aria-label="Panels">
      <h3>Add a panel to this page</h3>
      <div class="display-buttons">
        {kindsToAdd(layout.value).map(({ kind, title }) => (
          <button
            key={kind}
            type="button"
            data-testid={`add-${kind}`}
            onClick={() => {
              addPanel(kind);
              close();
            }}
          >
            {title}
          </button>
        ))}
      </div>
    </section>
  );
}
