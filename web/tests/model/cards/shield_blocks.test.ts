import { expect, test } from "vitest";
import { placesIn, shieldBlocks } from "../../../src/model/cards/shield_blocks";
import type { ShieldGroup } from "../../../src/model/cards/shields";

function group(key: string, count: number): ShieldGroup {
  const place = (number: number) => ({ id: `${key}/${number}`, scopeId: "sat", systemId: key, containerId: "c", uniqueId: `${number}`, viewId: "v" });
  return { key, scopeId: "sat", systemId: key, places: Array.from({ length: count }, (_, number) => place(number)) };
}

const ids = (blocks: readonly (readonly ShieldGroup[])[]) => blocks.flat().flatMap(({ places }) => places.map(({ id }) => id));

test.each([1, 3, 5, 7, 11, 60])("%i columns: every place once and in order, few in a block", (columns) => {
  const groups = [group("a", 3), group("b", 500), group("c", 1), ...Array.from({ length: 90 }, (_, number) => group(`small-${number}`, 2))];
  const blocks = shieldBlocks(groups, columns);
  expect(ids(blocks)).toEqual(groups.flatMap(({ places }) => places.map(({ id }) => id)));
  for (const block of blocks) expect(placesIn(block)).toBeLessThanOrEqual(Math.max(48, columns));
  for (const block of blocks) expect(new Set(block.map(({ key }) => key)).size).toBe(block.length);
});

test("a group that goes on in the next block fills its rows", () => {
  for (const block of shieldBlocks([group("a", 4), group("b", 200)], 7).slice(0, -1)) {
    const part = block.find(({ key }) => key === "b");
    expect((part?.places.length ?? 0) % 7).toBe(0);
  }
});
