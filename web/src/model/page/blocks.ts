/** A long list in blocks, of which only those near the window are drawn; the others leave their room. */

/** Blocks this close to the window are drawn before they are seen. */
const SPARE_PX = 500;

/** A block that is drawn, or the room of those up to the next one that are not. */
export type Piece = { readonly block: number } | { readonly roomPx: number; readonly before: number };

/** The heights of blocks in px: as measured, else by the mean of an item, which is `itemPx` until one is known. */
export function blockHeights(counts: readonly number[], measured: ReadonlyMap<number, number>, itemPx: number): number[] {
  let [px, items] = [0, 0];
  for (const [block, height] of measured) {
    if (block >= counts.length || height === 0) continue;
    px += height;
    items += counts[block] as number;
  }
  const mean = items === 0 ? itemPx : px / items;
  return counts.map((count, block) => measured.get(block) || count * mean);
}

/** What of the blocks stands in the document while the window is at `topPx`; a held block is drawn anywhere. */
export function piecesOf(
  heights: readonly number[],
  topPx: number,
  windowPx: number,
  isHeld: (block: number) => boolean,
): Piece[] {
  const pieces: Piece[] = [];
  let [top, roomPx] = [0, 0];
  const leaveRoom = (before: number) => {
    if (roomPx > 0) pieces.push({ roomPx, before });
    roomPx = 0;
  };
  heights.forEach((height, block) => {
    const isNear = top < topPx + windowPx + SPARE_PX && top + height > topPx - SPARE_PX;
    top += height;
    if (isNear || isHeld(block)) {
      leaveRoom(block);
      pieces.push({ block });
    } else roomPx += height;
  });
  leaveRoom(heights.length);
  return pieces;
}

/** The items of a list in blocks of this many. */
export function inBlocks<Item>(all: readonly Item[], size: number): Item[][] {
  const found: Item[][] = [];
  for (let first = 0; first < all.length; first += size) found.push(all.slice(first, first + size));
  return found;
}
