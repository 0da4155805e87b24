/** The wall of shields in blocks, which are drawn or not as a whole. */

import type { ShieldGroup } from "./shields";

const BLOCK_PLACES = 48;

/** Parts of groups; a group that is continued in another block fills its rows, of this many columns, up to there. */
export function shieldBlocks(groups: readonly ShieldGroup[], columns: number): ShieldGroup[][] {
  const size = Math.max(1, Math.floor(BLOCK_PLACES / columns)) * columns;
  const blocks: ShieldGroup[][] = [];
  let [block, room]: [ShieldGroup[], number] = [[], size];
  const close = () => {
    if (block.length > 0) blocks.push(block);
    [block, room] = [[], size];
  };
  for (const group of groups) {
    for (let first = 0; first < group.places.length; ) {
      const rest = group.places.length - first;
      const count = rest <= room ? rest : room - (room % columns);
      if (count > 0) block.push({ ...group, places: group.places.slice(first, first + count) });
      [first, room] = [first + count, room - count];
      if (rest > count || room === 0) close();
    }
  }
  close();
  return blocks;
}

/** How many places a block has. */
export function placesIn(block: readonly ShieldGroup[]): number {
  return block.reduce((sum, { places }) => sum + places.length, 0);
}
