/** Drags a field, by the pointer, to a panel that takes fields, or beside one as a new panel of plots. */

import { signal } from "@preact/signals";
import { kindNamed, newPanel } from "../panels/panel_kinds";
import { plotsWith } from "../plots/plots_kind";
import type { FieldRef } from "../values/field_ref";
import { type PanelInstance, panelMoved, panelAdded, panelOf } from "./layout";
import { changeLayout, layout, setOptions } from "./layout_store";
import { type DropTarget, dropAt, dropTarget, followPointer } from "./panel_drag";

/** The field that is dragged; null if none is. */
export const draggedField = signal<FieldRef | null>(null);

/** Where a field would go: a panel, or a part of it; else a new panel there. */
export interface FieldTarget {
  panel: PanelInstance;
  /** The plot under the pointer, by its id. */
  part: string | undefined;
  place: DropTarget | null;
}

/** Start to drag a field by the pointer that is down on its name. */
export function startFieldDrag(field: FieldRef, down: PointerEvent): void {
  let target: FieldTarget | undefined;
  followPointer(down, {
    start: () => (draggedField.value = field),
    move: (event) => {
      target = fieldTargetAt(event.clientX, event.clientY);
      dropTarget.value = target === undefined ? null : shownTarget(target, event);
    },
    end: (isDropped) => {
      [draggedField.value, dropTarget.value] = [null, null];
      if (isDropped && target !== undefined) dropField(target, field);
    },
  });
}

/** Put a field where it was dropped. */
export function dropField({ panel, part, place }: FieldTarget, field: FieldRef): void {
  const taken = optionsWith(panel, part, field);
  if (taken !== undefined) {
    setOptions(panel.id, taken);
  } else if (place !== null) {
    const added = { ...newPanel(layout.value, "plots"), options: { plots: plotsWith([], undefined, field) } };
    changeLayout((page) => panelMoved(panelAdded(page, added), added.id, place.target));
  }
}

/** A panel's options with a field; undefined if its kind takes none. */
function optionsWith(panel: PanelInstance, part: string | undefined, field: FieldRef): Record<string, unknown> | undefined {
  const withField = kindNamed(panel.kind)?.withField;
  if (withField === undefined || panel.trouble !== undefined) return undefined;
  return withField(panel.options ?? {}, field, part);
}

function fieldTargetAt(x: number, y: number): FieldTarget | undefined {
  const element = document.elementsFromPoint(x, y)[0] as HTMLElement | undefined;
  const id = element?.closest<HTMLElement>("[data-panel]")?.dataset["panel"];
  const panel = id === undefined ? undefined : panelOf(layout.value, id);
  if (panel === undefined) return undefined;
  return { panel, part: element?.closest<HTMLElement>("[data-part]")?.dataset["part"], place: dropAt(x, y) };
}

/** What is marked: the whole panel or part that takes the field, else the place of a new panel. */
function shownTarget({ panel, place }: FieldTarget, event: PointerEvent): DropTarget | null {
  if (place === null || kindNamed(panel.kind)?.withField === undefined) return place;
  const element = document.elementsFromPoint(event.clientX, event.clientY)[0] as HTMLElement | undefined;
  const box = (element?.closest("[data-part]") ?? element?.closest("[data-panel]"))?.getBoundingClientRect();
  return box === undefined ? place : { target: place.target, left: box.left, top: box.top, width: box.width, height: box.height };
}
