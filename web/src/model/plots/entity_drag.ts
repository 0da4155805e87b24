/** Drags an entity from the tree to a panel of plots, which then lists its fields. */

import { selectEntity } from "../entities/entities";
import { panelOf } from "../layout/layout";
import { layout } from "../layout/layout_store";
import { dropTarget, followPointer } from "../layout/panel_drag";
import type { Entity } from "../values/event";
import { pickFields } from "./plots";
import { plotsKind } from "./plots_kind";

/** Start to drag an entity by the pointer that is down on its row. */
export function startEntityDrag(entity: Entity, down: PointerEvent): void {
  let panelId: string | undefined;
  followPointer(down, {
    start: () => undefined,
    move: ({ clientX, clientY }) => {
      const pane = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>("[data-panel]");
      panelId = plotPanel(pane?.dataset["panel"]);
      const box = panelId === undefined ? undefined : pane?.getBoundingClientRect();
      dropTarget.value =
        box === undefined ? null : { target: { newColumn: 0 }, left: box.left, top: box.top, width: box.width, height: box.height };
    },
    end: (isDropped) => {
      dropTarget.value = null;
      if (isDropped && panelId !== undefined) dropEntity(entity, panelId);
    },
  });
}

/** Select an entity, and list its fields in a panel of plots. */
export function dropEntity(entity: Entity, panelId: string): void {
  selectEntity(entity);
  pickFields(panelId);
}

function plotPanel(id: string | undefined): string | undefined {
  const panel = id === undefined ? undefined : panelOf(layout.value, id);
  return panel?.kind === plotsKind.kind && panel.trouble === undefined ? panel.id : undefined;
}
