/** Paints the matches of searches on the timeline. */

import type { Marker } from "../model/timeline/markers";
import { type Span, toX } from "../model/timeline/span";
import { AXIS_PX, MARKS_PX, type PaintTarget } from "./paint_target";

/** Lines over the whole height with a flag at the top, bands where a match lasts. Of those on one pixel one is drawn. */
export function paintMatches({ context, width, height, palette }: PaintTarget, span: Span, markers: readonly Marker[]): void {
  const drawn = new Set<number>();
  context.fillStyle = palette.text;
  for (const { kind, ms, stopMs } of markers) {
    if (kind !== "match") continue;
    const x = Math.round(toX(span, ms, width));
    const end = Math.round(toX(span, stopMs ?? ms, width));
    if (end < 0 || x > width || (drawn.has(x) && end - x < 2)) continue;
    drawn.add(x);
    const [from, to] = [Math.max(0, x), Math.min(width, Math.max(end, x + 1))];
    context.globalAlpha = 0.22;
    context.fillRect(from, MARKS_PX, to - from, height - AXIS_PX - MARKS_PX);
    context.globalAlpha = 0.9;
    context.fillRect(x, 1, 1, height - AXIS_PX - 1);
    context.fillRect(x, 1, 6, 5);
  }
  context.globalAlpha = 1;
}
