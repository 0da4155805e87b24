import { afterEach, beforeEach, expect, it, vi } from "vitest";

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The models of a page that is opened at an address, and what of them has been reached. */
async function opened(hash: string) {
  const view = await import("../../../src/model/page/first_view");
  const entities = await import("../../../src/model/entities/entities");
  const latest = await import("../../../src/model/entities/latest");
  const reached: string[] = [];
  view.startFirstView(hash);
  void view.untilFirstView().then(() => reached.push("rest"));
  void view.untilLinkCanOpen().then(() => reached.push("requests"));
  await vi.advanceTimersByTimeAsync(0);
  return { view, entities, latest, reached };
}

it("loads the rest with the first values", async () => {
  const { entities, latest, reached } = await opened("");
  latest.latestPending.value = true;
  entities.selectedEntity.value = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c" };
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reached).toEqual(["requests"]);
  latest.latestPending.value = false;
  await vi.advanceTimersByTimeAsync(0);
  expect(reached).toEqual(["requests", "rest"]);
});

it("loads the rest at once where there is nothing to show, or no answer", async () => {
  const empty = await opened("");
  empty.entities.entities.value = [];
  await vi.advanceTimersByTimeAsync(0);
  expect(empty.reached).toEqual(["requests", "rest"]);
  vi.resetModules();
  const refused = await opened("");
  refused.entities.entitiesError.value = "the Core does not answer";
  await vi.advanceTimersByTimeAsync(0);
  expect(refused.reached).toEqual(["requests", "rest"]);
});

it("loads the rest even if there is never an answer", async () => {
  const { reached } = await opened("");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reached).toEqual(["requests", "rest"]);
});

it("opens a link with the models of all panels, and with nothing before them", async () => {
  const { view, reached } = await opened("#t=2026-01-01T00:00:00Z");
  expect(reached).toEqual(["rest"]);
  view.arePanelsStarted.value = true;
  await vi.advanceTimersByTimeAsync(0);
  expect(reached).toEqual(["rest", "requests"]);
});

it("stays shown while other values are pending", async () => {
  const { view, entities, latest } = await opened("");
  entities.selectedEntity.value = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "c" };
  expect(view.isFirstViewShown.value).toBe(true);
  latest.latestPending.value = true;
  expect(view.isFirstViewShown.value).toBe(true);
});
