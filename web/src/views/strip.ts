/** The strip's two canvases: painted at most once per animation frame, and their pointer events. */

import { effect, signal } from "@preact/signals";
import { looping, state } from "../model/clock/clock";
import { theme } from "../model/page/theme";
import {
  doubleClick,
  type Pointer,
  pointerCancel,
  pointerDown,
  pointerMove,
  pointerUp,
  wheel,
} from "../model/timeline/gesture";
import { cursorLineMs } from "../model/timeline/scrub";
import { selection, visible } from "../model/timeline/span";
import { shownMarkers } from "../model/timeline/shown_markers";
import { loadedUntilMs, presentMs, shownTile, timelineWidth } from "../model/timeline/timeline_data";
import { AXIS_PX, type PaintTarget } from "./paint_target";
import { paintOverlay } from "./overlay";
import { paintScene } from "./paint";
import { type Palette, paletteOf } from "./palette";

/** The position of the mouse over the strip, in pixels. */
export const hoverX = signal<number | undefined>(undefined);

const LINE_PX = 16;
const PAGE_PX = 400;

/** Attach a strip to its canvases; returns the function that detaches it. */
export function attachStrip(
  host: HTMLElement,
  scene: HTMLCanvasElement,
  overlay: HTMLCanvasElement,
): () => void {
  let palette = paletteOf(host);
  const paintBoth = [
    painter(() => sceneNow(sized(scene, host, palette))),
    painter(() => overlayNow(sized(overlay, host, palette))),
  ];
  const sizes = new ResizeObserver(() => (timelineWidth.value = host.clientWidth));
  sizes.observe(host);
  const ends = [
    effect(() => {
      void theme.value;
      // The page applies the theme in an effect of its own; the colours are read after it.
      queueMicrotask(() => {
        palette = paletteOf(host);
        for (const paint of paintBoth) paint();
      });
    }),
    effect(() => {
      void [visible.value, timelineWidth.value, shownMarkers.value, shownTile(), loadedUntilMs.value];
      paintBoth[0]?.();
    }),
    effect(() => {
      void [visible.value, timelineWidth.value, cursorLineMs.value, state.value, selection.value];
      void [looping.value, hoverX.value, presentMs.value];
      paintBoth[1]?.();
    }),
    attachPointer(overlay),
    () => sizes.disconnect(),
  ];
  return () => ends.forEach((end) => end());
}

function sceneNow(canvas: PaintTarget): void {
  paintScene(canvas, { span: visible.value, tile: shownTile(), loadedUntilMs: loadedUntilMs.value, markers: shownMarkers.value });
}

function overlayNow(canvas: PaintTarget): void {
  paintOverlay(canvas, {
    span: visible.value,
    lineMs: cursorLineMs.value,
    state: state.value,
    presentMs: presentMs.value,
    selection: selection.value,
    looping: looping.value,
    hoverX: hoverX.value,
  });
}

/** Paint at the next animation frame; further calls until then are merged. */
function painter(paint: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      paint();
    });
  };
}

/** Size a canvas to its host, in device pixels. */
function sized(canvas: HTMLCanvasElement, host: HTMLElement, palette: Palette): PaintTarget {
  const [wide, high] = [host.clientWidth, host.clientHeight];
  const ratio = devicePixelRatio;
  const [pixelsWide, pixelsHigh] = [Math.round(wide * ratio), Math.round(high * ratio)];
  if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
    canvas.width = pixelsWide;
    canvas.height = pixelsHigh;
  }
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width: wide, height: high, palette };
}

function attachPointer(canvas: HTMLCanvasElement): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointerDown(pointerOf(event, canvas));
  }, { signal });
  canvas.addEventListener("pointermove", (event) => {
    hoverX.value = event.pointerType === "mouse" ? event.offsetX : undefined;
    pointerMove(pointerOf(event, canvas));
  }, { signal });
  canvas.addEventListener("pointerup", (event) => pointerUp(pointerOf(event, canvas)), { signal });
  canvas.addEventListener("pointercancel", (event) => pointerCancel(event.pointerId), { signal });
  canvas.addEventListener("pointerleave", () => (hoverX.value = undefined), { signal });
  canvas.addEventListener("dblclick", doubleClick, { signal });
  canvas.addEventListener("wheel", onWheel, { signal, passive: false });
  return () => ending.abort();
}

function onWheel(event: WheelEvent): void {
  event.preventDefault();
  const unit = [1, LINE_PX, PAGE_PX][event.deltaMode] ?? 1;
  // A pinch on a trackpad arrives as a wheel event with Ctrl, in small steps.
  const pinch = event.ctrlKey ? 6 : 1;
  wheel(event.offsetX, event.deltaX * unit, event.deltaY * unit * pinch, event.shiftKey);
}

function pointerOf(event: PointerEvent, canvas: HTMLCanvasElement): Pointer {
  return {
    id: event.pointerId,
    x: event.offsetX,
    shift: event.shiftKey,
    touch: event.pointerType === "touch",
    onAxis: event.offsetY >= canvas.clientHeight - AXIS_PX,
  };
}
