/** The displays that the edge keeps: their list, and what is done with them. */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { Display as DisplayContent, DisplayInfo, DisplayVersionInfo } from "../../api/protocol";
import { RequestError } from "../../api/socket";
import { scheduler } from "../../scheduler";
import { connection, request, role, user } from "../session/session";
import type { Display } from "./display";
import { displayJson, displayOf, displayText } from "./display_file";
import { display, displayRefusal, displaySource, type DisplaySource, edgeDefault, isDisplayChanged, pageIndex, resetDisplay, showDisplay } from "./open_display";

const SAVES_INTERVAL_MS = 20_000;

/** A stored display that the page cannot show. */
class DisplayRefused extends Error {}

/** Who else sees a display, or saves it. */
export type ShareRole = NonNullable<DisplayInfo["sharedWith"]>;

export const displays = signal<readonly DisplayInfo[]>([]);
/** How many displays the list has no room for. */
export const displaysLeftOut = signal(0);
export const maySetDefault = signal(false);
/** The default that cannot be shown, with its version, which is said once. */
let refusedDefault = "";
/** Why the last request failed; empty if it did not. */
export const displaysError = signal("");
/** The stored display that the one on the screen is a copy of; undefined if there is none, or none any more. */
export const openInfo = computed(() => displays.value.find(({ displayId }) => displayId === displaySource.value?.displayId));
/** Whether another version was saved since the one on the screen, which has changes. */
export const isOutdated = computed(
  () => openInfo.value !== undefined && displaySource.value !== null && openInfo.value.version !== displaySource.value.version,
);

const dismissedVersion = signal("");
/** The newest version of the display on the screen, if it is of another one and the user has not dismissed that. */
export const offeredVersion = computed(() => {
  const info = openInfo.value;
  return info === undefined || !isOutdated.value || dismissedVersion.value === `${info.displayId} ${info.version}` ? undefined : info;
});

/** List the displays with every connection. The first of a user follows the default, and the newest version of an
 * unchanged display; from then on the page hears what others have saved, and offers it. */
export function startDisplays(): void {
  let isFollowed = false;
  effect(() => {
    void user.value;
    isFollowed = false;
    untracked(() => {
      [displays.value, edgeDefault.value, displayRefusal.value] = [[], null, ""];
      refusedDefault = "";
    });
  });
  effect(() => {
    if (connection.value !== "open" || user.value === null) return;
    untracked(() => void (isFollowed ? listDisplays() : refreshDisplays().then((isDone) => (isFollowed ||= isDone))));
  });
  const isDue = () => connection.value === "open" && displaySource.value !== null;
  scheduler.every(SAVES_INTERVAL_MS, lookForSaves, { when: isDue, pausesWhenHidden: true });
}

/** Keep the display as it is on the screen. */
export function dismissOffered(): void {
  const info = offeredVersion.peek();
  if (info !== undefined) dismissedVersion.value = `${info.displayId} ${info.version}`;
}

/** Request the list, and with it what others have saved; what is on the screen is not replaced. */
export async function lookForSaves(): Promise<string | undefined> {
  const reply = await request({ type: "listDisplays" }, "displaysResponse");
  [displays.value, displaysLeftOut.value] = [reply.displays, reply.displaysLeftOut ?? 0];
  maySetDefault.value = reply.maySetDefault === true;
  return reply.defaultId ?? undefined;
}

/** The same for a person who looks at the list: a failure is shown. */
export function listDisplays(): Promise<boolean> {
  return attempt(async () => void (await lookForSaves()));
}

/** Show the default as it is now. */
export async function showDefault(): Promise<void> {
  await attempt(async () => followDefault(await lookForSaves()));
  resetDisplay();
}

/** Request the list, and what of it is on the screen if it has changed. */
export function refreshDisplays(): Promise<boolean> {
  return attempt(async () => {
    await followDefault(await lookForSaves());
    if (isOutdated.value && !isDisplayChanged.value && displaySource.value !== null) await open(displaySource.value.displayId);
  });
}

async function followDefault(displayId: string | undefined): Promise<void> {
  const info = displays.value.find((one) => one.displayId === displayId);
  const known = edgeDefault.value?.source;
  if (known?.displayId === info?.displayId && known?.version === info?.version) return;
  const wanted = info === undefined ? "" : `${info.displayId} ${info.version}`;
  if (wanted !== "" && wanted === refusedDefault) return;
  refusedDefault = "";
  try {
    edgeDefault.value = info === undefined ? null : await read(info.displayId);
  } catch (error) {
    if (!(error instanceof DisplayRefused)) throw error;
    [edgeDefault.value, refusedDefault] = [null, wanted];
    displayRefusal.value = error.message;
  }
}

/** Show a display, by default its newest version. A former one is shown as a change of the newest. */
export function openDisplay(displayId: string, version?: number): Promise<boolean> {
  return attempt(() => open(displayId, version));
}

async function open(displayId: string, version?: number): Promise<void> {
  const page = displaySource.value?.displayId === displayId ? pageIndex.value : 0;
  const found = await read(displayId, version);
  showDisplay(found.display, found.source, page);
}

async function read(displayId: string, version?: number): Promise<{ display: Display; source: DisplaySource }> {
  const newest = await request({ type: "readDisplay", displayId }, "displayResponse");
  if (version === undefined || version === newest.version) {
    const shown = shownOf(newest);
    return { display: shown, source: { displayId, version: newest.version, text: displayText(shown) } };
  }
  const former = await request({ type: "readDisplay", displayId, version }, "displayResponse");
  return { display: shownOf(former), source: { displayId, version: newest.version, text: newestText(newest.display) } };
}

/** The display of a reply; throws DisplayRefused with its name and the rule that it breaks. */
function shownOf({ display: content }: { display: DisplayContent }): Display {
  try {
    return displayOf(content, "keep");
  } catch (error) {
    throw new DisplayRefused(`The display ${content.name} was not opened. ${(error as Error).message}`);
  }
}

/** The text of the newest version, also of one that cannot be shown: a former one may replace it. */
function newestText(content: DisplayContent): string {
  try {
    return displayText(displayOf(content, "keep"));
  } catch {
    return JSON.stringify(content);
  }
}

/** Save the display on the screen as the next version of its source. */
export function saveDisplay(): Promise<boolean> {
  const source = displaySource.value;
  if (source === null) return Promise.resolve(false);
  return attempt(() => save({ displayId: source.displayId, basedOn: source.version }));
}

/** Save the display on the screen as another one, of this user. */
export function saveDisplayAs(name: string): Promise<boolean> {
  return attempt(async () => {
    const before = [display.value, displaySource.value, pageIndex.value] as const;
    showDisplay({ ...display.value, name }, null, pageIndex.value);
    try {
      await save({});
    } catch (error) {
      showDisplay(...before);
      throw error;
    }
  });
}

async function save(of: { displayId?: string; basedOn?: number }): Promise<void> {
  const saved = display.value;
  const content = displayJson(saved) as unknown as DisplayContent;
  const { info } = await request({ type: "saveDisplay", display: content, ...of }, "displayChanged");
  if (info == null) return;
  displaySource.value = { displayId: info.displayId, version: info.version, text: displayText(saved) };
  replace(info);
}

/** Say who else sees a display, and who else saves versions of it; null: nobody. */
export function shareDisplay(displayId: string, sharedWith: ShareRole | null, editableBy: "operator" | "admin" | null): Promise<boolean> {
  return attempt(async () => {
    const { info } = await request({ type: "shareDisplay", displayId, sharedWith, editableBy }, "displayChanged");
    if (info != null) replace(info);
  });
}

/** Make a display the default of a scope, or of every scope without one of its own (empty); null for none. */
export function setDefaultDisplay(scopeId: string, displayId: string | null): Promise<boolean> {
  return attempt(async () => {
    await request({ type: "setDefaultDisplay", displayId, ...(scopeId === "" ? {} : { scopeId }) }, "displayChanged");
    await followDefault(await lookForSaves());
  });
}

/** Delete a display with all its versions; the one on the screen stays, in this browser alone. */
export function deleteDisplay({ displayId, version }: DisplayInfo): Promise<boolean> {
  return attempt(async () => {
    await request({ type: "deleteDisplay", displayId, basedOn: version }, "displayChanged");
    displays.value = displays.value.filter((one) => one.displayId !== displayId);
    if (displaySource.value?.displayId === displayId) displaySource.value = null;
  });
}

/** The versions of a display, newest first. */
export async function displayVersions(displayId: string): Promise<readonly DisplayVersionInfo[]> {
  return (await request({ type: "listDisplayVersions", displayId }, "displayVersionsResponse")).versions;
}

/** Whether this user may share displays. */
export function mayShareDisplays(): boolean {
  return role.value !== "viewer";
}

function replace(info: DisplayInfo): void {
  const others = displays.value.filter(({ displayId }) => displayId !== info.displayId);
  displays.value = [...others, info].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Do something with the edge; whether it was done. A refusal is shown, and after a conflict the list is read again. */
async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    displaysError.value = "";
    return true;
  } catch (error) {
    if (error instanceof RequestError && error.code === "conflict") {
      const { displays: listed } = await request({ type: "listDisplays" }, "displaysResponse").catch(() => ({ displays: displays.value }));
      displays.value = listed;
    }
    const signal = error instanceof DisplayRefused ? displayRefusal : displaysError;
    signal.value = (error as Error).message;
    return false;
  }
}
