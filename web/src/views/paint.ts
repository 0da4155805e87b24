/** Paints the timeline's scene: density, axis and markers. */

import { DENSITY_LANES, type DensityLane, type DensityTile } from "../model/timeline/density";
import type { Marker } from "../model/timeline/markers";
import { type Span, toX } from "../model/timeline/span";
import { ticks } from "../model/timeline/ticks";
import { AXIS_PX, MARKS_PX, type PaintTarget, verticalLine } from "./paint_target";
import { paintMatches } from "./paint_matches";
import { paintNotes } from "./paint_notes";
import { signOf } from "../model/alarms/card_alarms";

const TICK_PX = 112;
const LEAST_PX = 2;
/** Command markers nearer to each other than this are drawn as one. */
const MARK_APART_PX = 4;

export interface Scene {
  readonly span: Span;
  readonly tile: DensityTile | undefined;
  /** The tile counts nothing later than this; undefined where it is kept up to date. */
  readonly loadedUntilMs: number | undefined;
  readonly markers: readonly Marker[];
}

/** The density, the axis and the marks. */
export function paintScene(canvas: PaintTarget, scene: Scene): void {
  canvas.context.clearRect(0, 0, canvas.width, canvas.height);
  paintAxis(canvas, scene.span);
  if (scene.tile !== undefined) {
    paintDensity(canvas, scene.span, scene.tile);
    const { startMs, stopMs } = scene.tile.span;
    paintUnknown(canvas, scene.span, { startMs, stopMs: Math.min(stopMs, scene.loadedUntilMs ?? stopMs) });
    paintCommands(canvas, scene.span, scene.tile);
  }
  paintMarkers(canvas, scene.span, scene.markers);
}

function paintAxis({ context, width, height, palette }: PaintTarget, span: Span): void {
  const bottom = height - AXIS_PX;
  context.font = palette.font;
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.fillStyle = palette.line;
  context.fillRect(0, bottom, width, 1);
  for (const tick of ticks(span, width / TICK_PX)) {
    const x = Math.round(toX(span, tick.ms, width));
    context.globalAlpha = tick.major ? 0.9 : 0.45;
    context.fillStyle = palette.line;
    context.fillRect(x, MARKS_PX, 1, bottom - MARKS_PX + 4);
    context.globalAlpha = 1;
    context.fillStyle = tick.major ? palette.text : palette.muted;
    const half = context.measureText(tick.label).width / 2 + 2;
    context.fillText(tick.label, Math.min(width - half, Math.max(half, x)), bottom + AXIS_PX / 2 + 1);
  }
}

function paintDensity(canvas: PaintTarget, span: Span, picture: DensityTile): void {
  const { context, width, height, palette } = canvas;
  const room = height - AXIS_PX - MARKS_PX - 2;
  const bottom = height - AXIS_PX;
  const [first, last] = inView(picture, span);
  const most = mostIn(picture, first, last);
  if (most === 0) return;
  const paths = DENSITY_LANES.map(() => new Path2D());
  for (let index = first; index <= last; index++) {
    const counts = DENSITY_LANES.map((lane) => picture.lanes[lane][index] ?? 0);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total === 0) continue;
    const x = Math.floor(xOf(picture, span, index, width));
    const wide = Math.max(1, Math.floor(xOf(picture, span, index + 1, width)) - x);
    const high = Math.max(LEAST_PX, Math.sqrt(total / most) * room);
    let y = bottom;
    counts.forEach((count, lane) => {
      if (count === 0) return;
      const part = Math.max(1, (count / total) * high);
      y -= part;
      paths[lane]?.rect(x, y, wide, part);
    });
  }
  DENSITY_LANES.forEach((lane, index) => {
    context.fillStyle = palette.lanes[lane];
    context.fill(paths[index] as Path2D);
  });
}

function xOf(picture: DensityTile, span: Span, index: number, width: number): number {
  return toX(span, picture.startMs + index * picture.bucketMs, width);
}

/** The first and last visible bucket. */
function inView(picture: DensityTile, span: Span): [number, number] {
  const first = Math.floor((span.startMs - picture.startMs) / picture.bucketMs);
  const last = Math.floor((span.stopMs - picture.startMs) / picture.bucketMs);
  return [Math.max(0, first), Math.min(last, picture.lanes.raw.length - 1)];
}

function mostIn(picture: DensityTile, first: number, last: number): number {
  let most = 0;
  for (let index = first; index <= last; index++) {
    let total = 0;
    for (const lane of DENSITY_LANES) total += picture.lanes[lane][index] ?? 0;
    most = Math.max(most, total);
  }
  return most;
}

/** Spans outside the tile are unknown, not empty; they are drawn as such. */
function paintUnknown({ context, width, height, palette }: PaintTarget, span: Span, known: Span): void {
  context.globalAlpha = 0.35;
  context.fillStyle = palette.raised;
  const left = toX(span, known.startMs, width);
  const right = toX(span, known.stopMs, width);
  if (left > 0) context.fillRect(0, MARKS_PX, left, height - MARKS_PX - AXIS_PX);
  if (right < width) context.fillRect(right, MARKS_PX, width - right, height - MARKS_PX - AXIS_PX);
  context.globalAlpha = 1;
}

function paintCommands(canvas: PaintTarget, span: Span, picture: DensityTile): void {
  const { context, width, palette } = canvas;
  const lane: DensityLane = "command";
  const [first, last] = inView(picture, span);
  context.fillStyle = palette.lanes.command;
  context.beginPath();
  let before = -MARK_APART_PX;
  for (let index = first; index <= last; index++) {
    if ((picture.lanes[lane][index] ?? 0) === 0) continue;
    const x = Math.round(xOf(picture, span, index + 0.5, width));
    if (x - before < MARK_APART_PX) continue;
    before = x;
    context.moveTo(x - 4, 4);
    context.lineTo(x + 4, 4);
    context.lineTo(x, 11);
    context.closePath();
  }
  context.fill();
}

function paintMarkers(canvas: PaintTarget, span: Span, markers: readonly Marker[]): void {
  const { context, width, height, palette } = canvas;
  paintMatches(canvas, span, markers);
  paintNotes(canvas, span, markers);
  for (const marker of markers) {
    if (marker.kind === "match" || marker.kind === "note") continue;
    const x = Math.round(toX(span, marker.ms, width));
    if (x < -6 || x > width + 6) continue;
    if (marker.kind === "command") {
      paintCommand(canvas, x, marker);
      continue;
    }
    if (marker.kind === "alarm") {
      paintAlarm(canvas, x, marker);
      continue;
    }
    context.fillStyle = marker.kind === "gap" ? palette.bad : palette.accent;
    context.beginPath();
    if (marker.kind === "chat") context.arc(x, 7, 4, 0, 2 * Math.PI);
    else diamond(context, x, 7, 5);
    context.fill();
    if (marker.kind === "gap") verticalLine(canvas, x, MARKS_PX, height - AXIS_PX, palette.bad, 1, 0.7);
  }
}

/** A raised alarm: a square in the colour of its severity, larger if it is critical. */
function paintAlarm({ context, palette }: PaintTarget, x: number, { severity }: Marker): void {
  const isCritical = signOf(severity) === "critical";
  const size = isCritical ? 10 : 7;
  context.fillStyle = isCritical ? palette.bad : palette.warn;
  context.fillRect(x - size / 2, 11 - size, size, size);
}

/** A command at its request: filled once it has a result, red if it failed. */
function paintCommand({ context, palette }: PaintTarget, x: number, { state }: Marker): void {
  const isOver = state === "success" || state === "failure";
  context.fillStyle = state === "failure" ? palette.bad : isOver ? palette.lanes.command : palette.ground;
  context.strokeStyle = state === "failure" ? palette.bad : palette.lanes.command;
  triangle(context, x);
  context.fill();
  context.stroke();
}

function triangle(context: CanvasRenderingContext2D, x: number): void {
  context.beginPath();
  context.moveTo(x - 4, 4);
  context.lineTo(x + 4, 4);
  context.lineTo(x, 11);
  context.closePath();
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.closePath();
}
