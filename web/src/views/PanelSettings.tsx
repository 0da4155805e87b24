/** The settings of a panel: its title, and the options of its kind. */

import { useEffect, useId, useState } from "preact/hooks";
import type { PanelInstance } from "../model/layout/layout";
import { TITLE_MAX_CHARS } from "../model/layout/layout_file";
import { applySettings, settingsOf } from "../model/layout/panel_settings";
import { kindNamed } from "../model/panels/panel_kinds";
import { refreshChoices } from "../model/plots/field_choices";
import "../displays.css";
import { useScreenModal } from "./modal";
import { OptionForm } from "./OptionForm";

export function PanelSettings() {
  const panel = settingsOf.value;
  return panel === null ? null : <Dialog key={panel.id} panel={panel} />;
}

function Dialog({ panel }: { panel: PanelInstance }) {
  const close = () => (settingsOf.value = null);
  const modal = useScreenModal(close);
  const id = useId();
  const [title, setTitle] = useState(panel.title ?? "");
  const [draft, setDraft] = useState(panel.options ?? {});
  const [problem, setProblem] = useState("");
  const kind = kindNamed(panel.kind);
  useEffect(() => void refreshChoices().catch(() => undefined), []);
  const apply = (event: Event) => {
    event.preventDefault();
    const found = applySettings(panel, title, draft);
    setProblem(found);
    if (found === "") close();
  };
  return (
    <dialog {...modal} class="confirm panel-settings" aria-labelledby={id} data-testid="panel-settings">
      <form onSubmit={apply}>
        <h2 id={id}>Settings of {panel.title ?? kind?.title ?? panel.kind}</h2>
        <label class="option">
          <span>Title</span>
          <input
            name="title"
            data-testid="panel-title"
            maxLength={TITLE_MAX_CHARS}
            placeholder={kind?.title}
            value={title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
        </label>
        <OptionForm schema={kind?.schema ?? {}} draft={draft} change={setDraft} />
        {problem !== "" && (
          <p class="form-problem" role="alert">
            {problem}
          </p>
        )}
        <div class="confirm-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" data-testid="settings-apply">
            Apply
          </button>
        </div>
      </form>
    </dialog>
  );
}
