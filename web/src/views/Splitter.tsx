/** The bar between two columns or panels: dragged by pointer, or moved with the arrow keys. */

import { useRef } from "preact/hooks";
import { sharesResized } from "../model/layout/layout";

interface SplitterProps {
  /** Whether it divides columns side by side, or panels above one another. */
  between: "columns" | "panels";
  shares: readonly number[];
  index: number;
  change: (shares: number[]) => void;
}

const STEP = 0.03;

export function Splitter({ between, shares, index, change }: SplitterProps) {
  const bar = useRef<HTMLDivElement>(null);
  const isColumns = between === "columns";
  const [before = 1, after = 1] = [shares[index], shares[index + 1]];
  const onPointerDown = (down: PointerEvent) => {
    const element = bar.current;
    const pair = [element?.previousElementSibling, element?.nextElementSibling];
    const size = pair.reduce((sum, one) => sum + (isColumns ? (one?.clientWidth ?? 0) : (one?.clientHeight ?? 0)), 0);
    if (element === null || size === 0) return;
    const listening = new AbortController();
    const { signal } = listening;
    element.setPointerCapture(down.pointerId);
    const move = (event: PointerEvent) => {
      const by = isColumns ? event.clientX - down.clientX : event.clientY - down.clientY;
      change(sharesResized(shares, index, by / size));
    };
    element.addEventListener("pointermove", move, { signal });
    for (const name of ["pointerup", "pointercancel"] as const) {
      element.addEventListener(name, () => listening.abort(), { signal });
    }
    down.preventDefault();
    element.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const [less, more] = isColumns ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key !== less && event.key !== more) return;
    event.preventDefault();
    event.stopPropagation();
    change(sharesResized(shares, index, event.key === more ? STEP : -STEP));
  };
  return (
    <div
      ref={bar}
      class={`splitter ${isColumns ? "split-x" : "split-y"}`}
      role="separator"
      tabIndex={0}
      aria-orientation={isColumns ? "vertical" : "horizontal"}
      aria-label={isColumns ? `Width of column ${index + 1}` : `Height of panel ${index + 1}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((100 * before) / (before + after))}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
