/** Pointer gestures on the timeline: scrub, pan, select, zoom. */

import { scheduler } from "../../scheduler";
import { cursorLineMs, heldMs, holdCursor, releaseCursor } from "./scrub";
import { atX, panSpan, setSelection, setVisible, type Span, toX, visible, withMargin, zoomSpan } from "./span";
import { fullSpan, timelineWidth } from "./timeline_data";

/** A press within this distance of the cursor line grabs it. */
const GRIP_PX = 7;
const TOUCH_GRIP_PX = 18;
/** A press that moves less is a click. */
const STILL_PX = 4;
/** The time for a second click; the first one takes effect only after it. */
const DOUBLE_MS = 240;
const WHEEL_ZOOM = 1.0016;

type Kind = "scrub" | "pan" | "select" | "pinch";

interface Press {
  readonly kind: Kind;
  readonly x: number;
  readonly span: Span;
  moved: boolean;
}

export interface Pointer {
  readonly id: number;
  readonly x: number;
  readonly shift: boolean;
  readonly touch: boolean;
  /** Whether it is on the axis, where a press always grabs the cursor. */
  readonly onAxis: boolean;
}

const fingers = new Map<number, number>();
let press: Press | undefined;
const secondClick = scheduler.slot();

/** A pointer is pressed. */
export function pointerDown(pointer: Pointer): void {
  fingers.set(pointer.id, pointer.x);
  if (fingers.size === 2) {
    pointerCancel();
    press = { kind: "pinch", x: 0, span: visible.value, moved: true };
    pinchFrom = fingerSpread();
    return;
  }
  const kind = cancelClick() && !pointer.shift ? "pan" : pressKind(pointer);
  press = { kind, x: pointer.x, span: visible.value, moved: false };
  if (press.kind === "scrub") holdCursor(timeAt(pointer.x));
}

/** A pointer that is down moves. */
export function pointerMove(pointer: Pointer): void {
  if (press === undefined || !fingers.has(pointer.id)) return;
  fingers.set(pointer.id, pointer.x);
  if (Math.abs(pointer.x - press.x) > STILL_PX) press.moved = true;
  if (press.kind === "scrub") holdCursor(timeAt(pointer.x));
  else if (press.kind === "pinch") pinch(press.span);
  else if (press.moved && press.kind === "pan") setVisible(panSpan(press.span, msOf(press.x - pointer.x)));
  else if (press.moved) setSelection({ startMs: pressTime(press, press.x), stopMs: timeAt(pointer.x) });
}

/** A pointer is released; if it has not moved it was a click, and the clock seeks there. */
export function pointerUp(pointer: Pointer): void {
  fingers.delete(pointer.id);
  const was = press;
  if (fingers.size > 0) return;
  press = undefined;
  if (was === undefined) return;
  if (was.kind === "scrub") releaseCursor();
  else if (!was.moved && was.kind === "pan") click(pointer.x);
  else if (!was.moved && was.kind === "select") setSelection(null);
}

/** A pointer was cancelled. */
export function pointerCancel(id?: number): void {
  if (id !== undefined) fingers.delete(id);
  press = undefined;
  if (heldMs.value !== undefined) releaseCursor();
}

/** Show the whole archive; the first of the two clicks must not move the clock. */
export function doubleClick(): void {
  cancelClick();
  showEverything();
}

/** Show the whole archive. */
export function showEverything(): void {
  const all = fullSpan();
  if (all !== undefined) setVisible(all);
}

/** The wheel: zoom around the pointer, or pan if it is horizontal or Shift is down. */
export function wheel(x: number, deltaX: number, deltaY: number, shift: boolean): void {
  const sideways = shift ? deltaX + deltaY : deltaX;
  if (shift || Math.abs(deltaX) > Math.abs(deltaY)) setVisible(panSpan(visible.value, msOf(sideways)));
  else zoomAt(x, WHEEL_ZOOM ** deltaY);
}

/** Zoom by a factor around a pixel. */
export function zoomAt(x: number, factor: number): void {
  setVisible(zoomSpan(visible.value, factor, timeAt(x)));
}

/** Zoom around the cursor, or around the middle if the cursor is out of view. */
export function zoom(factor: number): void {
  const x = toX(visible.value, cursorLineMs.value, timelineWidth.value);
  zoomAt(x >= 0 && x <= timelineWidth.value ? x : timelineWidth.value / 2, factor);
}

/** Show the selection. */
export function zoomToRange(range: Span): void {
  setVisible(withMargin(range.startMs, range.stopMs));
}

/** The time at a pixel of the timeline. */
export function timeAt(x: number): number {
  return atX(visible.value, x, timelineWidth.value);
}

let pinchFrom = { middle: 0, apart: 1 };

function pinch(from: Span): void {
  const { middle, apart } = fingerSpread();
  const atMs = atX(from, pinchFrom.middle, timelineWidth.value);
  const scaled = zoomSpan(from, pinchFrom.apart / apart, atMs);
  const offPx = pinchFrom.middle - middle;
  setVisible(panSpan(scaled, (offPx / Math.max(1, timelineWidth.value)) * (scaled.stopMs - scaled.startMs)));
}

/** The middle of two fingers, and their distance. */
function fingerSpread(): { middle: number; apart: number } {
  const [one = 0, two = 0] = fingers.values();
  return { middle: (one + two) / 2, apart: Math.max(10, Math.abs(one - two)) };
}

function click(x: number): void {
  heldMs.value = timeAt(x);
  secondClick.restart(DOUBLE_MS, releaseCursor);
}

/** Cancel a click that waits for a second one; returns whether there was one. */
function cancelClick(): boolean {
  if (!secondClick.isPending) return false;
  secondClick.cancel();
  heldMs.value = undefined;
  return true;
}

function pressKind(pointer: Pointer): Kind {
  if (pointer.shift) return "select";
  const grip = pointer.touch ? TOUCH_GRIP_PX : GRIP_PX;
  const off = Math.abs(pointer.x - toX(visible.value, cursorLineMs.value, timelineWidth.value));
  return pointer.onAxis || off <= grip ? "scrub" : "pan";
}

function pressTime(of: Press, x: number): number {
  return atX(of.span, x, timelineWidth.value);
}

function msOf(pixels: number): number {
  const { startMs, stopMs } = visible.value;
  return (pixels / Math.max(1, timelineWidth.value)) * (stopMs - startMs);
}
