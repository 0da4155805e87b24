/** The panels where there is room for one: a tab for each. */

import { useEffect } from "preact/hooks";
import { showTab, tab } from "../model/arrangement";
import { PANELS, type PanelId } from "../model/layout";
import { SHORT, VIEWS } from "./panes";

export function Tabs() {
  const ids = Object.keys(VIEWS) as PanelId[];
  const View = VIEWS[tab.value];
  useEffect(() => {
    document.getElementById(`tab-${tab.value}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab.value]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    showTab(ids[(ids.indexOf(tab.value) + by + ids.length) % ids.length] as PanelId);
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={onKeyDown}>
        {ids.map((id) => (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            aria-selected={id === tab.value}
            aria-controls="tab-content"
            tabIndex={id === tab.value ? 0 : -1}
            data-testid={`tab-${id}`}
            onClick={() => showTab(id)}
          >
            {SHORT[id] ?? PANELS[id]}
          </button>
        ))}
      </div>
      <div id="tab-content" class="slot" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
        <View />
      </div>
    </>
  );
}
