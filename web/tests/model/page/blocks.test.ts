import { expect, test } from "vitest";
import { blockHeights, inBlocks, piecesOf } from "../../../src/model/page/blocks";

const nothingHeld = () => false;

test("what is not drawn leaves the room that it would take", () => {
  const heights = Array.from({ length: 100 }, () => 200);
  for (const top of [0, 5_000, 19_000]) {
    const pieces = piecesOf(heights, top, 800, nothingHeld);
    const drawn = pieces.filter((piece) => "block" in piece).length;
    const room = pieces.reduce((sum, piece) => sum + ("roomPx" in piece ? piece.roomPx : 200), 0);
    expect(room).toBe(100 * 200);
    expect(drawn).toBeLessThan(12);
    expect(drawn).toBeGreaterThanOrEqual(5);
  }
});

test("the blocks of the window are drawn, and a held one wherever it is", () => {
  const heights = Array.from({ length: 50 }, () => 300);
  const blocks = piecesOf(heights, 6_000, 600, (block) => block === 2).flatMap((piece) => ("block" in piece ? [piece.block] : []));
  expect(blocks[0]).toBe(2);
  for (const seen of [20, 21]) expect(blocks).toContain(seen);
  expect(blocks).not.toContain(0);
  expect(blocks).not.toContain(49);
});

test("the height of a block is as measured, else by the mean item", () => {
  expect(blockHeights([10, 10, 5], new Map(), 7)).toEqual([70, 70, 35]);
  expect(blockHeights([10, 10, 5], new Map([[0, 200]]), 7)).toEqual([200, 200, 100]);
  // A block that is gone says nothing any more.
  expect(blockHeights([10], new Map([[4, 900]]), 7)).toEqual([70]);
});

test("a list in blocks is the list", () => {
  const all = Array.from({ length: 25 }, (_, place) => place);
  expect(inBlocks(all, 12).map((block) => block.length)).toEqual([12, 12, 1]);
  expect(inBlocks(all, 12).flat()).toEqual(all);
});
