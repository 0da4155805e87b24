import { beforeEach, expect, test, vi } from "vitest";
import type { StoredEvent } from "../../../src/model/values/event";
import type { AnsweredState } from "../../../src/model/cards/ui_state";

type Page = { states: AnsweredState[]; nextKey?: string };
/** What the next request is answered with, once it is. */
const replies: ((page: Page) => void)[] = [];

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    ...{ connection: signal("open"), isCoreKnown: signal(true), recoveries: { subscribe: () => undefined }, user: signal("ann") },
    ...{ role: signal("operator"), notice: signal(""), status: signal(null), coreUnavailable: signal(false), unansweredS: signal(0) },
    reconnect: () => undefined,
    request: () => new Promise<Page>((resolve) => replies.push(resolve)),
  };
});

const { state } = await import("../../../src/model/clock/clock");
const { applyUpdates, cards, clearCards, moreStatesPending, refreshStates, statesPending } = await import("../../../src/model/cards/cards");

const NAMES = { scopeId: "s", systemId: "x", containerId: "y", viewId: "v", manifestId: "m", manifestVersion: "1" };

function stateOf(uniqueId: string, values: Record<string, number>, second = 0): AnsweredState {
  const lastTime = `2026-01-01T00:00:0${second}Z`;
  return { ...NAMES, uniqueId, state: values, keyTimes: {}, lastTime, lastEventId: `${uniqueId}${second}` };
}

function update(uniqueId: string, second: number, data: Record<string, number>): StoredEvent {
  const time = `2026-01-01T00:00:0${second}Z`;
  const times = { sourceTruthTime: time, canonicalTruthTime: time };
  return { ...NAMES, ...times, uniqueId, lane: "ui", messageType: "UiUpdate", eventId: `${uniqueId}${second}`, data };
}

async function reply(page: Page): Promise<void> {
  await vi.waitFor(() => expect(replies.length).toBe(1));
  replies.shift()?.(page);
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The values that are shown of an entity. */
function shown(uniqueId: string): Record<string, unknown> | undefined {
  const card = cards.value.get(`s/x/y/${uniqueId} v`)?.value;
  return card === undefined ? undefined : Object.fromEntries([...card.cells].map(([key, { value }]) => [key, value]));
}

beforeEach(() => {
  state.value = "LIVE";
  clearCards();
});

test("of many states the first page is shown, and goes on, while the others are asked for", async () => {
  const done = refreshStates();
  applyUpdates([update("a", 1, { heat: 2 })]);
  await reply({ states: [stateOf("a", { heat: 1, flow: 1 })], nextKey: "a" });
  expect(shown("a")).toEqual({ heat: 2, flow: 1 });
  expect([statesPending.value, moreStatesPending.value]).toEqual([false, true]);
  applyUpdates([update("a", 2, { flow: 3 }), update("b", 2, { heat: 9 }), update("c", 2, { heat: 5 })]);
  expect(shown("a")).toEqual({ heat: 2, flow: 3 });
  // What came before the update of a view that is not listed yet is not known.
  expect(shown("b")).toBeUndefined();
  await reply({ states: [stateOf("b", { heat: 1, flow: 7 })] });
  await done;
  expect([shown("a"), shown("b"), shown("c")]).toEqual([{ heat: 2, flow: 3 }, { heat: 9, flow: 7 }, { heat: 5 }]);
  expect(moreStatesPending.value).toBe(false);
});

test("states that are shown stay until all of the next are known", async () => {
  const first = refreshStates();
  await reply({ states: [stateOf("a", { heat: 1 })] });
  await first;
  const second = refreshStates();
  await reply({ states: [stateOf("a", { heat: 4 }, 3)], nextKey: "a" });
  expect(shown("a")).toEqual({ heat: 1 });
  await reply({ states: [stateOf("b", { heat: 6 })] });
  await second;
  expect([shown("a"), shown("b")]).toEqual([{ heat: 4 }, { heat: 6 }]);
});
