/** Drags a panel by its title, with the drop target under the pointer. */

import { signal } from "@preact/signals";
import { type MoveTarget, panelMoved, panelPosition } from "./layout";
import { changeLayout, layout } from "./layout_store";

/** The part of the screen that the panel would take, in CSS pixels. */
export interface DropTarget {
  target: MoveTarget;
  left: number;
  top: number;
  width: number;
  height: number;
}

export const draggedPanel = signal<string | null>(null);
export const dropTarget = signal<DropTarget | null>(null);

/** A pointer that moves less than this has clicked, not dragged. */
const PANEL_DRAG_MIN_PX = 6;
/** This share of a panel at its left and right makes a new column there. */
const SIDE_SHARE = 0.2;

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Start to drag a panel by the pointer that is down on its title. */
export function startDrag(id: string, down: PointerEvent): void {
  followPointer(down, {
    start: () => (draggedPanel.value = id),
    move: (event) => (dropTarget.value = dropAt(event.clientX, event.clientY)),
    end: (isDropped) => {
      const found = dropTarget.value;
      [draggedPanel.value, dropTarget.value] = [null, null];
      if (isDropped && found !== null) changeLayout((page) => panelMoved(page, id, found.target));
    },
  });
}

interface Drag {
  /** The pointer has moved far enough to be no click. */
  start: () => void;
  move: (event: PointerEvent) => void;
  /** Also for a click, and for a drag that Escape has cancelled. */
  end: (isDropped: boolean) => void;
}

/** Follow the pointer that is down until it is up. */
export function followPointer(down: PointerEvent, drag: Drag): void {
  if (down.button !== 0) return;
  const handle = down.currentTarget as HTMLElement;
  const listening = new AbortController();
  const { signal: until } = listening;
  let isDragged = false;
  const end = (isDropped: boolean) => {
    listening.abort();
    drag.end(isDropped && isDragged);
  };
  const move = (event: PointerEvent) => {
    if (!isDragged) {
      if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < PANEL_DRAG_MIN_PX) return;
      isDragged = true;
      drag.start();
    }
    drag.move(event);
  };
  const cancel = (event: KeyboardEvent) => event.key === "Escape" && end(false);
  handle.setPointerCapture(down.pointerId);
  handle.addEventListener("pointermove", move, { signal: until });
  handle.addEventListener("pointerup", () => end(true), { signal: until });
  handle.addEventListener("pointercancel", () => end(false), { signal: until });
  addEventListener("keydown", cancel, { signal: until });
}

/** Where a panel would go that is dropped there; null beside all panels. */
export function dropAt(x: number, y: number): DropTarget | null {
  const pane = document
    .elementsFromPoint(x, y)
    .map((element) => element.closest<HTMLElement>("[data-panel]"))
    .find((found) => found !== null);
  const id = pane?.dataset["panel"];
  if (pane === null || pane === undefined || id === undefined) return null;
  const at = panelPosition(layout.value, id);
  return at === undefined ? null : dropIn(pane.getBoundingClientRect(), x, y, at);
}

/** The drop target under a pointer: a new column beside a panel, or a place above or below it. */
export function dropIn(box: Box, x: number, y: number, at: { column: number; row: number }): DropTarget {
  const { left, top, width, height } = box;
  const across = (x - left) / width;
  if (across < SIDE_SHARE) {
    return { target: { newColumn: at.column }, left, top, width: width * SIDE_SHARE, height };
  }
  if (across > 1 - SIDE_SHARE) {
    const target = { newColumn: at.column + 1 };
    return { target, left: left + width * (1 - SIDE_SHARE), top, width: width * SIDE_SHARE, height };
  }
  const isLower = y > top + height / 2;
  const target = { column: at.column, row: at.row + (isLower ? 1 : 0) };
  return { target, left, top: isLower ? top + height / 2 : top, width, height: height / 2 };
}
