/** The panels of a narrow screen: a tab for each. */

import { useEffect } from "preact/hooks";
import { activeTab, showTab, tabs } from "../model/layout/layout_store";
import { tabTitle } from "../model/panels/panel_kinds";
import { PanelView } from "./PanelView";

export function Tabs() {
  const panels = tabs.value;
  const active = activeTab.value;
  useEffect(() => {
    document.getElementById(`tab-${active?.id}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active?.id]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const at = panels.findIndex(({ id }) => id === active?.id);
    showTab(panels[(at + by + panels.length) % panels.length]?.id ?? "");
    document.getElementById(`tab-${activeTab.value?.id}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={onKeyDown}>
        {panels.map((panel) => (
          <button
            key={panel.id}
            id={`tab-${panel.id}`}
            type="button"
            role="tab"
            aria-selected={panel.id === active?.id}
            aria-controls="tab-content"
            tabIndex={panel.id === active?.id ? 0 : -1}
            data-testid={`tab-${panel.id}`}
            onClick={() => showTab(panel.id)}
          >
            {tabTitle(panel)}
          </button>
        ))}
      </div>
      <div id="tab-content" class="slot" role="tabpanel" aria-labelledby={`tab-${active?.id}`}>
        {active !== undefined && <PanelView key={active.id} panel={active} />}
      </div>
    </>
  );
}
