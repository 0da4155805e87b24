import { beforeEach, describe, expect, it, vi } from "vitest";

interface Asked {
  type: string;
  displayId?: string;
  version?: number;
  basedOn?: number;
  display?: { name: string; pages: { name: string }[] };
  sharedWith?: string | null;
  scopeId?: string;
}

/** An edge with the versions of each display; others change them too. */
const edge = vi.hoisted(() => ({
  asked: [] as Asked[],
  kept: new Map<string, { name: string; pages: object[] }[]>(),
  defaultId: null as string | null,
}));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  const { RequestError } = await import("../../../src/api/socket");
  const info = (displayId: string) => {
    const versions = edge.kept.get(displayId) ?? [];
    return { displayId, name: versions.at(-1)?.name, origin: "stored", version: versions.length, owner: "ann", own: true, mayChange: true, mayShare: true, savedBy: "bob" };
  };
  const answer = (message: Asked): object => {
    const { displayId = "", version, basedOn, display } = message;
    const versions = edge.kept.get(displayId);
    switch (message.type) {
      case "listDisplays":
        return { displays: [...edge.kept.keys()].map(info), defaultId: edge.defaultId, maySetDefault: true };
      case "readDisplay":
        return { info: info(displayId), display: versions?.[(version ?? versions.length) - 1], version: version ?? versions?.length };
      case "saveDisplay": {
        const id = displayId || `d${edge.kept.size}`;
        const before = edge.kept.get(id) ?? [];
        if (basedOn !== undefined && basedOn !== before.length) throw new RequestError("conflict", "bob saved a version");
        edge.kept.set(id, [...before, display as { name: string; pages: object[] }]);
        return { info: info(id) };
      }
      case "deleteDisplay":
        edge.kept.delete(displayId);
        return {};
      default:
        return { info: info(displayId) };
    }
  };
  return {
    connection: signal("open"),
    user: signal("ann"),
    defaultView: signal(null),
    role: signal("operator"),
    request: (message: Asked) => {
      edge.asked.push(message);
      try {
        return Promise.resolve(answer(message));
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
  };
});

const stored = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (name: string) => stored.get(name) ?? null,
  setItem: (name: string, value: string) => stored.set(name, value),
  removeItem: (name: string) => stored.delete(name),
});
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));

const { display, displayRefusal, displaySource, edgeDefault, isDefaultDisplay, isDisplayChanged, pageIndex, persistDisplay, resetDisplay, showDisplay } = await import(
  "../../../src/model/displays/open_display"
);
const kept = await import("../../../src/model/displays/stored_displays");
const { addPage, changeDisplay, hasUnsaved, openDisplays, removePage } = await import("../../../src/model/displays/display_dialog");
const { BUILT_IN, onePage, pageRenamed } = await import("../../../src/model/displays/display");
const { displayJson } = await import("../../../src/model/displays/display_file");
const { addPanel, layout } = await import("../../../src/model/layout/layout_store");
const { connection, user } = await import("../../../src/model/session/session");

kept.startDisplays();
persistDisplay();

beforeEach(() => {
  stored.clear();
  edge.kept.clear();
  edge.defaultId = null;
  edge.asked.length = 0;
  [edgeDefault.value, kept.displaysError.value] = [null, ""];
  resetDisplay();
});

/** What another user does. */
function saveElsewhere(displayId: string, name: string): void {
  edge.kept.set(displayId, [...(edge.kept.get(displayId) ?? []), displayJson(onePage(name, BUILT_IN)) as never]);
}

describe("a display that the edge keeps", () => {
  it("is saved under a name, changed, and saved again", async () => {
    expect(hasUnsaved()).toBe(false);
    addPanel("plots");
    expect(hasUnsaved()).toBe(true);
    expect(await kept.saveDisplayAs("Power")).toBe(true);
    expect([displaySource.value?.version, isDisplayChanged.value, display.value.name]).toEqual([1, false, "Power"]);
    addPanel("plots");
    expect([isDisplayChanged.value, hasUnsaved()]).toEqual([true, true]);
    expect(await kept.saveDisplay()).toBe(true);
    expect([displaySource.value?.version, isDisplayChanged.value]).toEqual([2, false]);
    expect(kept.displays.value.map(({ name, version }) => [name, version])).toEqual([["Power", 2]]);
  });

  it("is not overwritten when somebody has saved it meanwhile, and the changes stay", async () => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    saveElsewhere(displayId, "Bob's");
    addPanel("plots");
    const changed = display.value;
    expect(await kept.saveDisplay()).toBe(false);
    expect(kept.displaysError.value).toBe("bob saved a version");
    expect([kept.isOutdated.value, display.value]).toEqual([true, changed]);
    expect(edge.kept.get(displayId)).toHaveLength(2);
    await kept.refreshDisplays();
    expect(display.value).toBe(changed);
    expect(await kept.saveDisplayAs("Mine")).toBe(true);
    expect([...edge.kept.values()].map((versions) => versions.at(-1)?.name)).toEqual(["Bob's", "Mine"]);
  });

  it("offers what somebody else has saved, and stays until that is loaded", async () => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    expect(kept.offeredVersion.value).toBeUndefined();
    saveElsewhere(displayId, "Bob's");
    await kept.lookForSaves();
    expect([kept.offeredVersion.value?.savedBy, display.value.name]).toEqual(["bob", "Power"]);
    kept.dismissOffered();
    await kept.lookForSaves();
    expect(kept.offeredVersion.value).toBeUndefined();
    saveElsewhere(displayId, "Bob's second");
    await kept.lookForSaves();
    expect(kept.offeredVersion.value?.version).toBe(3);
    await kept.openDisplay(displayId);
    expect([display.value.name, kept.offeredVersion.value]).toEqual(["Bob's second", undefined]);
  });

  it.each(["dialog", "connection"])("is not replaced on the screen by the %s, whether or not it has changes", async (by) => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    await kept.refreshDisplays();
    saveElsewhere(displayId, "Bob's");
    if (by === "dialog") openDisplays();
    else [connection.value, connection.value] = ["lost", "open"];
    await vi.waitFor(() => expect(kept.openInfo.value?.version).toBe(2));
    expect([display.value.name, displaySource.value?.version]).toEqual(["Power", 1]);
    expect(edge.asked.some(({ type }) => type === "readDisplay")).toBe(false);
  });

  it("is the newest version of the default where that is asked for", async () => {
    saveElsewhere("d0", "Team");
    edge.defaultId = "d0";
    await kept.refreshDisplays();
    saveElsewhere("d0", "Team 2");
    openDisplays();
    await vi.waitFor(() => expect(kept.openInfo.value?.version).toBe(2));
    expect(display.value.name).toBe("Team");
    await kept.showDefault();
    expect([display.value.name, isDefaultDisplay()]).toEqual(["Team 2", true]);
  });

  it("follows the newest version when the page opens, while it has no changes", async () => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    saveElsewhere(displayId, "Bob's");
    await kept.refreshDisplays();
    expect([display.value.name, displaySource.value?.version, kept.isOutdated.value]).toEqual(["Bob's", 2, false]);
  });

  it("shows a former version as a change of the newest", async () => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    saveElsewhere(displayId, "Bob's");
    await kept.openDisplay(displayId, 1);
    expect([display.value.name, displaySource.value?.version, isDisplayChanged.value]).toEqual(["Power", 2, true]);
    await kept.saveDisplay();
    expect(edge.kept.get(displayId)?.map(({ name }) => name)).toEqual(["Power", "Bob's", "Power"]);
  });

  it("is found again after a reload, with its changes", async () => {
    await kept.saveDisplayAs("Power");
    addPanel("plots");
    const [before, source] = [displayJson(display.value), displaySource.value];
    user.value = null;
    user.value = "ann";
    expect(displayJson(display.value)).toEqual(before);
    expect([displaySource.value, isDisplayChanged.value]).toEqual([source, true]);
  });

  it("stays on the screen when it is deleted, in this browser alone", async () => {
    await kept.saveDisplayAs("Power");
    const info = kept.openInfo.value;
    if (info === undefined) throw new Error("it is not listed");
    await kept.deleteDisplay(info);
    expect([display.value.name, displaySource.value, hasUnsaved()]).toEqual(["Power", null, true]);
  });

  it("is the default of those who have chosen nothing, whoever logs in", async () => {
    saveElsewhere("d0", "Team");
    edge.defaultId = "d0";
    await kept.refreshDisplays();
    expect([display.value.name, isDefaultDisplay(), stored.size]).toEqual(["Team", true, 0]);
    saveElsewhere("d0", "Team 2");
    await kept.refreshDisplays();
    expect(display.value.name).toBe("Team 2");
    showDisplay(onePage("Own", BUILT_IN), null);
    saveElsewhere("d0", "Team 3");
    await kept.refreshDisplays();
    expect(display.value.name).toBe("Own");
    resetDisplay();
    expect(display.value.name).toBe("Team 3");
    edge.defaultId = null;
    user.value = "bob";
    await kept.refreshDisplays();
    expect(display.value.name).toBe("Default");
    user.value = "ann";
  });
});

describe("a display that the page refuses", () => {
  /** What an earlier edge has kept. */
  function saveTwice(displayId: string): void {
    const { pages, ...rest } = displayJson(onePage("Twice", { columns: [], hidden: [{ id: "b", kind: "chat" }] }));
    edge.kept.set(displayId, [...(edge.kept.get(displayId) ?? []), { ...rest, pages } as never]);
  }

  it("is named with the rule on the page, until another one is opened", async () => {
    await kept.saveDisplayAs("Power");
    const { displayId = "" } = displaySource.value ?? {};
    saveTwice("d8");
    expect(await kept.openDisplay("d8")).toBe(false);
    expect(displayRefusal.value).toContain("The display Twice was not opened. pages[0].columns: a page has one panel");
    expect(display.value.name).toBe("Power");
    expect(await kept.openDisplay(displayId)).toBe(true);
    expect(displayRefusal.value).toBe("");
  });

  it("is said once as the default, which is then the built-in one", async () => {
    saveTwice("d8");
    edge.defaultId = "d8";
    expect(await kept.refreshDisplays()).toBe(true);
    expect([displayRefusal.value.includes("Twice"), display.value.name]).toEqual([true, "Default"]);
    resetDisplay();
    await kept.refreshDisplays();
    expect(displayRefusal.value).toBe("");
  });
});

describe("the pages of a display", () => {
  it("are added, named and removed, and one stays", () => {
    addPage();
    expect(display.value.pages.map(({ name }) => name)).toEqual(["Page 1", "Page 2"]);
    expect([pageIndex.value, layout.value.columns]).toEqual([1, []]);
    changeDisplay((found) => pageRenamed(pageRenamed(found, 0, " Power "), 1, " "));
    expect(display.value.pages.map(({ name }) => name)).toEqual(["Power", "Page 2"]);
    removePage(1);
    removePage(0);
    expect([display.value.pages.map(({ name }) => name), pageIndex.value]).toEqual([["Power"], 0]);
  });
});
