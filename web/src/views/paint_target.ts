/** The strip's canvas: its rows, and the strokes that all painting on it shares. */

import type { Palette } from "./palette";

/** The rows from top to bottom, in pixels: marks, the density between, the axis. */
export const MARKS_PX = 14;
export const AXIS_PX = 20;

/** The canvas area to paint, in CSS pixels, and its colours. */
export interface PaintTarget {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly palette: Palette;
}

/** A vertical line. */
export function verticalLine(
  { context }: PaintTarget,
  x: number,
  top: number,
  bottom: number,
  colour: string,
  wide: number,
  alpha: number,
): void {
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.fillRect(Math.round(x - wide / 2), top, wide, bottom - top);
  context.globalAlpha = 1;
}
