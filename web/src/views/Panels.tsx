/** The panels in their layout: columns that can be moved and resized, or tabs on a narrow screen. */

import { Fragment } from "preact";
import { useEffect } from "preact/hooks";
import { type LayoutColumn, type PanelId, PANELS, panelShown, withHeights, withWidths } from "../model/layout/layout";
import { activeTab, importError, isNarrow, layout, resetLayout, showTab } from "../model/layout/layout_store";
import { draggedPanel, dropTarget } from "../model/layout/panel_drag";
import { startPanelsSync } from "../model/layout/panels_sync";
import "uplot/dist/uPlot.min.css";
import "../panels.css";
import { Splitter } from "./Splitter";
import { Tabs } from "./Tabs";
import { VIEWS } from "./panes";

export function Panels() {
  useEffect(startPanelsSync, []);
  useEffect(() => {
    addEventListener("keydown", findEntity);
    return () => removeEventListener("keydown", findEntity);
  }, []);
  return (
    <div class={`workspace ${draggedPanel.value === null ? "" : "dragging"}`} onKeyDown={keepKeys}>
      <ImportError />
      {isNarrow.value ? <Tabs /> : <Columns />}
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
  if (!isNarrow.value || activeTab.value === "entities") return;
  showTab("entities");
  requestAnimationFrame(focus);
}

/** The page's shortcuts must not use keys that operate the focused button. */
function keepKeys(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const isPressed = target.closest("button, a, summary, label, [role=treeitem]") !== null;
  if (isPressed && (event.key === " " || event.key === "Enter")) event.stopPropagation();
}

function Columns() {
  const { columns, hidden } = layout.value;
  const widths = columns.map((column) => column.share);
  return (
    <>
      {hidden.length > 0 && <PutAway ids={hidden} />}
      <div class="columns">
        {columns.length === 0 && (
          <div class="pane-empty">
            All panels are hidden.
            <button type="button" onClick={resetLayout}>
              Reset the layout
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
                change={(shares) => (layout.value = withWidths(layout.value, shares))}
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
      {column.panels.map(({ id, share }, row) => {
        const View = VIEWS[id];
        return (
          <Fragment key={id}>
            <div class="slot" style={{ flexGrow: share / whole }}>
              <View />
            </div>
            {row < column.panels.length - 1 && (
              <Splitter
                between="panels"
                shares={heights}
                index={row}
                change={(shares) => (layout.value = withHeights(layout.value, index, shares))}
              />
            )}
          </Fragment>
        );
      })}
    </div>
  );
}

function PutAway({ ids }: { ids: readonly PanelId[] }) {
  return (
    <div class="put-away" role="group" aria-label="Hidden panels">
      <span class="muted">Hidden:</span>
      {ids.map((id) => (
        <button type="button" key={id} data-testid={`show-${id}`} onClick={() => (layout.value = panelShown(layout.value, id))}>
          {PANELS[id]}
        </button>
      ))}
    </div>
  );
}

function ImportError() {
  if (importError.value === "") return null;
  return (
    <div class="pane-trouble" role="alert">
      The layout was not imported. {importError.value}
      <button type="button" onClick={() => (importError.value = "")}>
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
