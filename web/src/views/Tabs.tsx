/** The panels of a narrow screen: a tab for each. */

import { useEffect } from "preact/hooks";
import { type PanelId, PANELS } from "../model/layout/layout";
import { activeTab, showTab } from "../model/layout/layout_store";
import { TAB_TITLES, VIEWS } from "./panes";

export function Tabs() {
  const ids = Object.keys(VIEWS) as PanelId[];
  const View = VIEWS[activeTab.value];
  useEffect(() => {
    document.getElementById(`tab-${activeTab.value}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [activeTab.value]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    showTab(ids[(ids.indexOf(activeTab.value) + by + ids.length) % ids.length] as PanelId);
    document.getElementById(`tab-${activeTab.value}`)?.focus();
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
            aria-selected={id === activeTab.value}
            aria-controls="tab-content"
            tabIndex={id === activeTab.value ? 0 : -1}
            data-testid={`tab-${id}`}
            onClick={() => showTab(id)}
          >
            {TAB_TITLES[id] ?? PANELS[id]}
          </button>
        ))}
      </div>
      <div id="tab-content" class="slot" role="tabpanel" aria-labelledby={`tab-${activeTab.value}`}>
        <View />
      </div>
    </>
  );
}
