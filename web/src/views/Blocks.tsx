/** A long list of which only the blocks near the window are in the document. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { blockHeights, piecesOf } from "../model/page/blocks";
import type { Scrolling } from "../model/page/scrolling";

interface BlocksProps {
  /** How many items each block has. */
  counts: readonly number[];
  /** The height of an item, until one is known. */
  itemPx: number;
  /** Of the element that scrolls the list. */
  scrolled: Scrolling;
  /** A block that is drawn, with its neighbours, wherever the window is; -1 is none. */
  held: number;
  blockClass: string;
  draw: (block: number) => ComponentChildren;
}

export function Blocks({ counts, itemPx, scrolled, held, blockClass, draw }: BlocksProps) {
  const measured = useMemo(() => signal<ReadonlyMap<number, number>>(new Map()), []);
  // What has the focus must not leave the document.
  const [focused, setFocused] = useState(-1);
  const isHeld = (block: number) => (held >= 0 && Math.abs(block - held) <= 1) || (focused >= 0 && Math.abs(block - focused) <= 1);
  const heights = blockHeights(counts, measured.value, itemPx);
  const measure = (block: number, px: number) => {
    if (measured.peek().get(block) !== px) measured.value = new Map(measured.peek()).set(block, px);
  };
  return piecesOf(heights, scrolled.top.value, scrolled.height.value, isHeld).map((piece) =>
    "roomPx" in piece ? (
      <div key={`room-${piece.before}`} role="presentation" style={{ height: `${piece.roomPx}px` }} />
    ) : (
      <Block key={piece.block} index={piece.block} class={blockClass} measure={measure} focus={setFocused}>
        {draw(piece.block)}
      </Block>
    ),
  );
}

interface BlockProps {
  index: number;
  class: string;
  measure: (block: number, px: number) => void;
  focus: (block: number) => void;
  children: ComponentChildren;
}

function Block({ index, class: name, measure, focus, children }: BlockProps) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watched = element.current as HTMLElement;
    const observer = new ResizeObserver(([entry]) => entry !== undefined && measure(index, entry.contentRect.height));
    observer.observe(watched);
    return () => observer.disconnect();
  }, [index]);
  return (
    <div ref={element} role="presentation" class={name} onFocusIn={() => focus(index)} onFocusOut={() => focus(-1)}>
      {children}
    </div>
  );
}
