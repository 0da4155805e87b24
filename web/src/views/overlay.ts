/** Paints the timeline's overlay: selection, present, pointer and cursor. */

import type { ClockState } from "../model/clock/clock";
import { type Span, toX } from "../model/timeline/span";
import { AXIS_PX, MARKS_PX, type PaintTarget, verticalLine } from "./paint_target";

export interface Overlay {
  readonly span: Span;
  readonly lineMs: number;
  readonly state: ClockState;
  readonly presentMs: number;
  readonly selection: Span | null;
  readonly looping: boolean;
  readonly hoverX: number | undefined;
}

/** The selection, the present, the pointer and the cursor. */
export function paintOverlay(canvas: PaintTarget, overlay: Overlay): void {
  canvas.context.clearRect(0, 0, canvas.width, canvas.height);
  if (overlay.selection !== null) paintSelection(canvas, overlay.span, overlay.selection, overlay.looping);
  paintPresent(canvas, overlay);
  if (overlay.hoverX !== undefined) {
    verticalLine(canvas, overlay.hoverX, MARKS_PX, canvas.height, canvas.palette.muted, 1, 0.5);
  }
  paintCursor(canvas, overlay);
}

function paintSelection(canvas: PaintTarget, span: Span, range: Span, looping: boolean): void {
  const { context, width, height, palette } = canvas;
  const left = toX(span, range.startMs, width);
  const right = toX(span, range.stopMs, width);
  if (right < 0 || left > width) return;
  context.fillStyle = looping ? palette.live : palette.accent;
  context.globalAlpha = 0.16;
  context.fillRect(left, MARKS_PX, Math.max(1, right - left), height - MARKS_PX - AXIS_PX);
  context.globalAlpha = 1;
  context.fillRect(Math.round(left), MARKS_PX, 1, height - MARKS_PX - AXIS_PX);
  context.fillRect(Math.round(right), MARKS_PX, 1, height - MARKS_PX - AXIS_PX);
}

/** The boundary between the present and the future. */
function paintPresent(canvas: PaintTarget, overlay: Overlay): void {
  const { context, width, height, palette } = canvas;
  const x = toX(overlay.span, overlay.presentMs, width);
  if (x < 0 || x > width) return;
  context.globalAlpha = 0.3;
  context.fillStyle = palette.raised;
  context.fillRect(x, MARKS_PX, width - x, height - MARKS_PX - AXIS_PX);
  context.globalAlpha = 1;
  for (let y = MARKS_PX; y < height - AXIS_PX; y += 6) {
    context.fillStyle = palette.live;
    context.fillRect(Math.round(x), y, 1, 3);
  }
  context.font = palette.font;
  context.textBaseline = "middle";
  context.textAlign = x > width - 40 ? "right" : "left";
  context.fillText("now", x + (x > width - 40 ? -6 : 6), MARKS_PX + 7);
}

function paintCursor(canvas: PaintTarget, overlay: Overlay): void {
  const { context, width, height, palette } = canvas;
  const x = toX(overlay.span, overlay.lineMs, width);
  if (x < -8 || x > width + 8) {
    paintAway(canvas, x < 0);
    return;
  }
  const colour = { LIVE: palette.live, PLAYING: palette.accent, PAUSED: palette.text }[overlay.state];
  verticalLine(canvas, x, MARKS_PX, height - AXIS_PX + 4, colour, 2, 1);
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x - 6, height - AXIS_PX + 11);
  context.lineTo(x + 6, height - AXIS_PX + 11);
  context.lineTo(x, height - AXIS_PX + 2);
  context.closePath();
  context.fill();
}

/** An arrow at the side that the cursor is beyond. */
function paintAway({ context, width, height, palette }: PaintTarget, left: boolean): void {
  const [x, tip] = left ? [12, 3] : [width - 12, width - 3];
  const y = height / 2;
  context.fillStyle = palette.text;
  context.beginPath();
  context.moveTo(x, y - 7);
  context.lineTo(tip, y);
  context.lineTo(x, y + 7);
  context.closePath();
  context.fill();
}
