import { expect, it, vi } from "vitest";
import { sessionOf } from "../session/fake_session";

interface Asked {
  limit?: number;
  afterKey?: string;
}

const world = vi.hoisted(() => ({ asked: [] as Asked[], shown: [] as number[], total: 250 }));

function nameOf(number: number): string {
  return `unit-${String(number).padStart(5, "0")}`;
}

const PAGE_ENTITIES = 200;

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    request: async (message: Asked & { type: string }) => {
      if (message.type !== "discover") return {};
      world.asked.push(message);
      world.shown.push(entities.value?.length ?? 0);
      const first = message.afterKey === undefined ? 0 : Number(message.afterKey) + 1;
      const stop = Math.min(world.total, first + (message.limit ?? PAGE_ENTITIES));
      const found = Array.from({ length: stop - first }, (_, at) => ({
        ...{ scopeId: "s", systemId: "a", containerId: "b", uniqueId: nameOf(first + at) },
        series: [{ lane: "ui", lastTime: "2026-01-01T00:00:00Z" }],
      }));
      return { entities: found, nextKey: stop < world.total ? String(stop - 1) : null };
    },
  }),
);

const { entities, refreshEntities, relistEntities, selectedEntity } = await import("../../../src/model/entities/entities");

it("shows a short first page at once, and lists the others when it may", async () => {
  let askedBefore = 0;
  await refreshEntities(async () => void (askedBefore = world.asked.length));
  expect(askedBefore).toBe(1);
  expect(world.shown).toEqual([0, 50]);
  expect(world.asked[0]?.limit).toBe(50);
  expect(world.asked.slice(1).every(({ limit }) => limit === undefined)).toBe(true);
  expect(entities.value?.length).toBe(world.total);
  expect(selectedEntity.value?.uniqueId).toBe(nameOf(0));
});

it("lists in long pages afterwards", async () => {
  world.asked.length = 0;
  await relistEntities();
  expect(world.asked.map(({ limit }) => limit)).toEqual([undefined, undefined]);
  expect(entities.value?.length).toBe(world.total);
});
