/** The frame of a panel: its title (the handle for dragging), tools, menu and content. */

import type { ComponentChildren } from "preact";
import { panelOf } from "../model/layout/layout";
import { isNarrow, layout, maximise, maximised } from "../model/layout/layout_store";
import { startDrag } from "../model/layout/panel_drag";
import { kindNamed, panelTitle } from "../model/panels/panel_kinds";
import { PaneMenu } from "./PaneMenu";

interface PaneProps {
  /** The panel's id, which is its kind where a page has at most one of that. */
  id: string;
  /** Instead of the title of its kind; one that its user gave it takes precedence. */
  title?: ComponentChildren;
  tools?: ComponentChildren;
  children: ComponentChildren;
}

export function Pane({ id, title, tools, children }: PaneProps) {
  const panel = panelOf(layout.value, id);
  const name = panel === undefined ? (kindNamed(id)?.title ?? id) : panelTitle(panel);
  return (
    <section class="pane" aria-label={name} data-panel={id} data-testid={`panel-${id}`}>
      <div class="pane-head">
        <h2
          class={isNarrow.value ? "" : "grip"}
          title={isNarrow.value ? undefined : "Drag to move this panel, double-click to maximise it"}
          onPointerDown={(event) => !isNarrow.value && maximised.value === undefined && startDrag(id, event)}
          onDblClick={() => maximise(maximised.value === undefined ? id : null)}
        >
          {panel?.title ?? title ?? name}
        </h2>
        {tools}
        <PaneMenu id={id} name={name} />
      </div>
      {children}
    </section>
  );
}

/** The text in a panel without content: the reason, and what to do. */
export function Empty({ children, testid }: { children: ComponentChildren; testid?: string }) {
  return (
    <div class="pane-empty" tabIndex={0} data-testid={testid}>
      {children}
    </div>
  );
}

/** Why a panel's code is not there. */
export function LoadNotice({ text }: { text: string }) {
  return text === "" ? null : <p class="pane-trouble" role="status">{text}</p>;
}

/** The error of a failed request, which is being retried. */
export function ErrorNotice({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <p class="pane-trouble" role="status">
      No answer from the archive: {text}. Retrying.
    </p>
  );
}
