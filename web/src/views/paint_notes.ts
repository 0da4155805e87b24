/** Paints notes on the timeline. */

import type { Marker } from "../model/timeline/markers";
import { type Span, toX } from "../model/timeline/span";
import { AXIS_PX, MARKS_PX, type PaintTarget } from "./paint_target";

const HALF_PX = 4;
const HIGH_PX = 10;
const BAND_PX = 3;

/** A ribbon at the begin, and a band above the axis as long as a range lasts. Of those on one pixel one is drawn. */
export function paintNotes({ context, width, height, palette }: PaintTarget, span: Span, markers: readonly Marker[]): void {
  const drawn = new Set<number>();
  context.fillStyle = palette.accent;
  for (const { kind, ms, stopMs } of markers) {
    if (kind !== "note") continue;
    const x = Math.round(toX(span, ms, width));
    const end = Math.round(toX(span, stopMs ?? ms, width));
    if (end < -HALF_PX || x > width + HALF_PX || (drawn.has(x) && end - x < 2)) continue;
    drawn.add(x);
    const [from, to] = [Math.max(0, x), Math.min(width, end)];
    if (to > from) {
      context.globalAlpha = 0.1;
      context.fillRect(from, MARKS_PX, to - from, height - AXIS_PX - MARKS_PX);
      context.globalAlpha = 0.8;
      context.fillRect(from, height - AXIS_PX - BAND_PX, to - from, BAND_PX);
    }
    context.globalAlpha = 1;
    ribbon(context, x);
  }
}

function ribbon(context: CanvasRenderingContext2D, x: number): void {
  context.beginPath();
  context.moveTo(x - HALF_PX, 1);
  context.lineTo(x + HALF_PX, 1);
  context.lineTo(x + HALF_PX, 1 + HIGH_PX);
  context.lineTo(x, 1 + HIGH_PX - HALF_PX);
  context.lineTo(x - HALF_PX, 1 + HIGH_PX);
  context.closePath();
  context.fill();
}
