import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionOf } from "../session/fake_session";

const world = vi.hoisted(() => ({ hash: "", href: "http://nova/", stored: new Map<string, string>(), session: new Map<string, string>(), reloads: 0, pending: 0 }));
const user = vi.hoisted(() => ({ signal: undefined as unknown }));

vi.mock("../../../src/model/session/session", () => {
  const mocked = sessionOf({ user: signal<string | null>("ann"), request: () => new Promise(() => undefined) });
  user.signal = mocked.user;
  return mocked;
});
// Threads compress: what they have not finished is waited for.
vi.mock("../../../src/model/address/view_code", async (original) => {
  const actual = await original<typeof import("../../../src/model/address/view_code")>();
  const counted =
    <Given extends unknown[], Found>(work: (...given: Given) => Promise<Found>) =>
    (...given: Given) => {
      world.pending++;
      return work(...given).finally(() => world.pending--);
    };
  return { ...actual, encodeView: counted(actual.encodeView), decodeView: counted(actual.decodeView) };
});
vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
const place = {
  get hash() {
    return world.hash;
  },
  get href() {
    return `http://nova/${world.hash}`;
  },
  reload: () => world.reloads++,
};
vi.stubGlobal("location", place);
vi.stubGlobal("history", { state: null, replaceState: (_: unknown, __: string, hash: string) => (world.hash = hash) });
vi.stubGlobal("localStorage", {
  getItem: (key: string) => world.stored.get(key) ?? null,
  setItem: (key: string, value: string) => world.stored.set(key, value),
  removeItem: (key: string) => world.stored.delete(key),
});
vi.stubGlobal("sessionStorage", {
  getItem: (key: string) => world.session.get(key) ?? null,
  setItem: (key: string, value: string) => world.session.set(key, value),
});
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));

const link = await import("../../../src/model/address/view_link");
const { encodeView } = await import("../../../src/model/address/view_code");
const { hashValues, flushHash } = await import("../../../src/model/address/url_hash");
const urlSync = await import("../../../src/model/address/url_sync");
const { cardChoice, cardSearch } = await import("../../../src/model/cards/card_list");
const { isFrameShown } = await import("../../../src/model/events/frame_fields");
const { inspectorLanes } = await import("../../../src/model/events/inspector");
const { entities, selectedEntity } = await import("../../../src/model/entities/entities");
const { changeLayout, layout } = await import("../../../src/model/layout/layout_store");
const { panelHidden } = await import("../../../src/model/layout/layout");
const { persistDisplay, resetDisplay } = await import("../../../src/model/displays/open_display");
const { displayJson } = await import("../../../src/model/displays/display_file");
const { onePage } = await import("../../../src/model/displays/display");
const { addField, plots } = await import("../../../src/model/plots/plots");
const { showPlots } = await import("../plots/shown_plots");
const name = user.signal as { value: string | null };

const SERIES = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed" as const, messageType: "Power" };
const MOMENT = "t=2026-01-31T12:00:00Z&state=paused&tb=source";

persistDisplay();
link.startViewLink();

/** Whatever is compressed or written has had its time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20 || world.pending > 0; turn++) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function open(hash: string): Promise<void> {
  world.hash = hash;
  urlSync.openUrl();
  urlSync.isMomentShown.value = true;
  await settled();
}

/** The address of the page, once it is written. */
async function address(): Promise<string> {
  await settled();
  await link.writeView();
  flushHash();
  return world.hash;
}

function stored(what: string): unknown {
  return JSON.parse(world.stored.get(`nova.${what}.ann`) ?? "null");
}

async function withView(view: unknown): Promise<void> {
  await open(`#${MOMENT}&view=${await encodeView(JSON.stringify(view))}`);
}

beforeEach(async () => {
  link.viewFault.value = "";
  if (link.isLinkedView.value) link.keepLinkedView();
  resetDisplay();
  [cardChoice.value, cardSearch.value, inspectorLanes.value, isFrameShown.value] = ["system", "", new Set(), false];
  world.stored.clear();
  await open(`#${MOMENT}`);
});

describe("the view in the address", () => {
  it("is shown again: entity, layout, plots, choices", async () => {
    selectedEntity.value = SERIES;
    addField({ series: SERIES, field: "volts" });
    changeLayout((found) => panelHidden(found, "chat"));
    [cardChoice.value, cardSearch.value, inspectorLanes.value, isFrameShown.value] = ["all", "bat", new Set(["raw"]), true];
    const shared = await address();
    const [shownLayout, own] = [layout.value, stored("display")];
    expect(own).not.toBeNull();

    resetDisplay();
    [cardChoice.value, cardSearch.value, inspectorLanes.value, selectedEntity.value] = ["system", "", new Set(), null];
    isFrameShown.value = false;
    await open(shared);
    expect(isFrameShown.value, "an event beside its frame").toBe(true);
    expect(layout.value).toEqual(shownLayout);
    expect(plots.value.map(({ fields }) => fields)).toEqual([[{ series: SERIES, field: "volts" }]]);
    expect([cardChoice.value, cardSearch.value, [...inspectorLanes.value]]).toEqual(["all", "bat", ["raw"]]);
    expect(selectedEntity.value).toMatchObject({ uniqueId: "battery" });
  });

  /** The display of a link with one plot. */
  function theirs(): unknown {
    const options = { plots: [{ id: "1", fields: [{ series: SERIES, field: "theirs" }] }] };
    const panel = { id: "plots", kind: "plots", share: 1, options };
    return displayJson(onePage("Theirs", { columns: [{ share: 1, panels: [panel] }], hidden: [] }));
  }

  it("of somebody else is not kept until the user says so", async () => {
    addField({ series: SERIES, field: "own" });
    const own = stored("display");
    await withView({ display: theirs() });
    expect(link.isLinkedView.value).toBe(true);
    addField({ series: SERIES, field: "more" });
    await settled();
    expect(stored("display")).toEqual(own);
    link.keepLinkedView();
    expect(link.isLinkedView.value).toBe(false);
    expect(JSON.stringify(stored("display"))).toContain("theirs");
    expect(JSON.stringify(stored("display"))).not.toContain('"own"');
  });

  it("of one's own is no other's", async () => {
    addField({ series: SERIES, field: "own" });
    await open(await address());
    expect(link.isLinkedView.value).toBe(false);
  });

  it("survives another login of the same user, and not one of another", async () => {
    await withView({ display: theirs() });
    name.value = null;
    name.value = "ann";
    await settled();
    expect(plots.value[0]?.fields[0]?.field).toBe("theirs");
    name.value = "bob";
    await settled();
    expect(link.isLinkedView.value).toBe(false);
    expect(plots.value).toEqual([]);
    name.value = "ann";
  });

  it("gives way to the own one by a load without it", async () => {
    await withView({ display: theirs() });
    const before = world.reloads;
    link.dropLinkedView();
    expect(world.reloads).toBe(before + 1);
    expect(hashValues().has("view")).toBe(false);
    expect(hashValues().get("t")).toContain("2026-01-31");
  });

  it("says what of a link is damaged, and shows the rest", async () => {
    await open(`#${MOMENT}&view=d.AAAA`);
    expect(link.viewFault.value).toContain("damaged or was cut off");
    await withView({ cards: { choice: "none" }, alarms: { listing: "shelved" }, display: { version: 9 } });
    expect(link.viewFault.value).toContain("the choice of cards (cards.choice: must be one of entity");
    expect(link.viewFault.value).toContain("the layout and plots (version");
    await open(`#${MOMENT}&view=too-long`);
    expect(link.viewFault.value).toContain("too long");
  });

  it("says that its entity is unknown", async () => {
    entities.value = [];
    await open(`#${MOMENT}&entity=sat/bus/eps/ghost`);
    expect(link.viewFault.value).toContain("sat/bus/eps/ghost of this link is unknown");
  });

  it("is never left out silently", async () => {
    const noise = Array.from({ length: 800 }, (_, index) => ({ series: SERIES, field: `${Math.sin(index)}${Math.cos(index)}` }));
    showPlots(Array.from({ length: 60 }, (_, index) => ({ id: String(index), fields: noise.slice(8 * index, 8 * index + 8) })));
    expect(await address()).toContain("view=too-long");
    expect(link.isViewTooLong.value).toBe(true);
  });
});
