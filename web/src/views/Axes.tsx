/** Axes of numbers around a drawing, with a grid. */

import type { ComponentChildren } from "preact";
import { numberTicks, tickText } from "../model/fields/number_ticks";
import type { Size } from "./use_size";

export interface AxisRange {
  readonly low: number;
  readonly high: number;
  /** The ticks, at most about so many, and the text of one; round numbers if absent. */
  readonly ticksOf?: (count: number) => readonly number[];
  readonly textOf?: (value: number) => string;
}

interface AxesProps {
  size: Size;
  x: AxisRange;
  y: AxisRange;
  label: string;
  children: (place: Place) => ComponentChildren;
  onPointer?: (share: number | null) => void;
}

/** The pixels of values. */
export interface Place {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly bottom: number;
}

const LEFT_PX = 56;
const RIGHT_PX = 12;
const TOP_PX = 8;
const BOTTOM_PX = 22;
const TICK_WIDTH_PX = 90;
/** Half of the longest label, such as T+00:10:00. */
const LABEL_HALF_PX = 36;
const TICK_HEIGHT_PX = 36;

export function Axes({ size, x, y, label, children, onPointer }: AxesProps) {
  const width = size.width - LEFT_PX - RIGHT_PX;
  const height = size.height - TOP_PX - BOTTOM_PX;
  if (width <= 0 || height <= 0) return null;
  const bottom = TOP_PX + height;
  const place: Place = {
    x: (value) => LEFT_PX + ((value - x.low) / (x.high - x.low || 1)) * width,
    y: (value) => bottom - ((value - y.low) / (y.high - y.low || 1)) * height,
    bottom,
  };
  const shareOf = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return (event.clientX - box.left - LEFT_PX) / width;
  };
  return (
    <svg
      class="axes"
      width={size.width}
      height={size.height}
      role="img"
      aria-label={label}
      onPointerMove={(event) => onPointer?.(shareOf(event))}
      onPointerLeave={() => onPointer?.(null)}
    >
      {ticksOf(x, width / TICK_WIDTH_PX).map((value) => (
        <g key={value}>
          <line class="axis-grid" x1={place.x(value)} x2={place.x(value)} y1={TOP_PX} y2={bottom} />
          <text class="axis-text" y={bottom + 15} {...anchored(place.x(value), size.width)}>
            {(x.textOf ?? tickText)(value)}
          </text>
        </g>
      ))}
      {ticksOf(y, height / TICK_HEIGHT_PX).map((value) => (
        <g key={value}>
          <line class="axis-grid" x1={LEFT_PX} x2={LEFT_PX + width} y1={place.y(value)} y2={place.y(value)} />
          <text class="axis-text" x={LEFT_PX - 6} y={place.y(value) + 4} text-anchor="end">
            {(y.textOf ?? tickText)(value)}
          </text>
        </g>
      ))}
      {children(place)}
    </svg>
  );
}

/** A label near the right edge ends there instead of being cut. */
function anchored(at: number, width: number): { x: number; "text-anchor": "middle" | "end" } {
  return at > width - LABEL_HALF_PX ? { x: width - 2, "text-anchor": "end" } : { x: at, "text-anchor": "middle" };
}

function ticksOf(range: AxisRange, count: number): readonly number[] {
  return range.ticksOf?.(count) ?? numberTicks(range.low, range.high, count);
}

/** A range with a little room on both sides; around a single value, a range of its size. */
export function roomy([low, high]: readonly [number, number]): AxisRange {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { low: 0, high: 1 };
  const room = high > low ? (high - low) * 0.05 : Math.max(Math.abs(low) * 0.05, 0.5);
  return { low: low - room, high: high + room };
}
