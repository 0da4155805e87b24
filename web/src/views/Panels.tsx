/** The panels in their layout: columns that can be moved and resized, or tabs on a narrow screen. */

import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { openDisplays } from "../model/displays/display_dialog";
import { displayRefusal, resetDisplay } from "../model/displays/open_display";
import { type LayoutColumn, type PanelInstance, panelShown, type PlacedPanel, withHeights, withWidths } from "../model/layout/layout";
import { activeTab, changeLayout, isNarrow, layout, maximised, shownId, showTab } from "../model/layout/layout_store";
import { draggedField } from "../model/layout/field_drag";
import { draggedPanel, dropTarget } from "../model/layout/panel_drag";
import { startPageLayout } from "../model/layout/page_layout";
import { panelTitle } from "../model/panels/panel_kinds";
import "../panels.css";
import { PageTabs } from "./PageTabs";
import { PanelView } from "./PanelView";
import { Splitter } from "./Splitter";
import { Tabs } from "./Tabs";

export function Panels() {
  useEffect(startPageLayout, []);
  useEffect(() => {
    addEventListener("keydown", findEntity);
    return () => removeEventListener("keydown", findEntity);
  }, []);
  return (
    <div class={`workspace ${draggedPanel.value === null && draggedField.value === null ? "" : "dragging"}`} onKeyDown={keepKeys}>
      <Refusal />
      <PageTabs />
      {isNarrow.value ? <Tabs /> : maximised.value === undefined ? <Columns /> : <Maximised panel={maximised.value} />}
      <DropMark />
    </div>
  );
}

/** The key `/` moves the focus to the search of the entities. */
function findEntity(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
  event.preventDefault();
  const focus = () => document.getElementById("entity-search")?.focus();
  focus();
  if (!isNarrow.value || activeTab.value?.kind === "entities") return;
  showTab("entities");
  requestAnimationFrame(focus);
}

/** The page's shortcuts must not use keys that operate the focused button. */
function keepKeys(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const isPressed = target.closest("button, a, summary, label, [role=treeitem]") !== null;
  if (isPressed && (event.key === " " || event.key === "Enter")) event.stopPropagation();
}

function Maximised({ panel }: { panel: PanelInstance }) {
  return (
    <div class="slot" data-testid="maximised">
      <PanelView key={panel.id} panel={panel} />
    </div>
  );
}

function Columns() {
  const { columns, hidden } = layout.value;
  const widths = columns.map((column) => column.share);
  return (
    <>
      {hidden.length > 0 && <PutAway panels={hidden} />}
      <div class="columns">
        {columns.length === 0 && (
          <div class="pane-empty">
            {hidden.length > 0 ? "All panels are hidden." : "This page has no panels."}
            <button type="button" data-testid="empty-add" onClick={openDisplays}>
              Add a panel
            </button>
            <button type="button" onClick={resetDisplay}>
              Reset the display
            </button>
          </div>
        )}
        {columns.map((column, index) => (
          <Fragment key={index}>
            <OneColumn column={column} index={index} />
            {index < columns.length - 1 && (
              <Splitter
                between="columns"
                shares={widths}
                index={index}
                change={(shares) => changeLayout((page) => withWidths(page, shares))}
              />
            )}
          </Fragment>
        ))}
      </div>
    </>
  );
}

function OneColumn({ column, index }: { column: LayoutColumn; index: number }) {
  const heights = column.panels.map((panel) => panel.share);
  // Shares that add up to less than 1 would leave empty space.
  const whole = heights.reduce((sum, one) => sum + one, 0);
  return (
    <div class="column" style={{ flexGrow: column.share }}>
      {column.panels.map((panel, row) => {
        return (
          <Fragment key={panel.id}>
            <Slot panel={panel} whole={whole} />
            {row < column.panels.length - 1 && (
              <Splitter
                between="panels"
                shares={heights}
                index={row}
                change={(shares) => changeLayout((page) => withHeights(page, index, shares))}
              />
            )}
          </Fragment>
        );
      })}
    </div>
  );
}

function Slot({ panel, whole }: { panel: PlacedPanel; whole: number }) {
  const element = useRef<HTMLDivElement>(null);
  const isShown = shownId.value === panel.id;
  useEffect(() => {
    if (!isShown) return;
    element.current?.scrollIntoView({ block: "nearest" });
    shownId.value = null;
  }, [isShown]);
  return (
    <div class="slot" ref={element} style={{ flexGrow: panel.share / whole }}>
      <PanelView panel={panel} />
    </div>
  );
}

function PutAway({ panels }: { panels: readonly PanelInstance[] }) {
  return (
    <div class="put-away" role="group" aria-label="Hidden panels">
      <span class="muted">Hidden:</span>
      {panels.map((panel) => (
        <button
          type="button"
          key={panel.id}
          data-testid={`show-${panel.id}`}
          onClick={() => changeLayout((page) => panelShown(page, panel.id))}
        >
          {panelTitle(panel)}
        </button>
      ))}
    </div>
  );
}

/** Why a display is not shown, until another one is. */
function Refusal() {
  if (displayRefusal.value === "") return null;
  return (
    <div class="pane-trouble" role="alert" data-testid="display-refusal">
      {displayRefusal.value}
      <button type="button" onClick={() => (displayRefusal.value = "")}>
        Close
      </button>
    </div>
  );
}

function DropMark() {
  const found = dropTarget.value;
  if (found === null) return null;
  const { left, top, width, height } = found;
  return <div class="drop-mark" style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }} />;
}
