/**
 * The view in the address: the selected entity, and the parts of the page as one compressed value. A view of a link
 * that differs from what this browser keeps for its user is shown, and kept only when the user says so.
 */

import { computed, effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { edgeDefault } from "../displays/open_display";
import { entities, selectedEntity, selectEntity } from "../entities/entities";
import { holdLocal } from "../page/local_store";
import { defaultView, user } from "../session/session";
import { type Entity, entityKey } from "../values/event";
import { expectObject, parseJson } from "../values/json_check";
import { KNOWN, knownNow } from "./known_at";
import { hashText, hashValues, setHash } from "./url_hash";
import { isMomentShown, momentUrl } from "./url_sync";
import { decodeView, encodeView } from "./view_code";
import { VIEW_PARTS } from "./view_parts";

const [VIEW, ENTITY] = ["view", "entity"];
/** In place of a view that is too long for a link. */
const TOO_LONG = "too-long";
const REST_MS = 300;
const OWN_CODES = "nova.own-views";
/** The address is written later than the view: it may have one of the last. */
const OWN_CODES_MAX = 8;
/** The parts that the browser keeps have these names there too. */
const KEPT: ReadonlySet<string> = new Set(VIEW_PARTS.filter(({ keep }) => keep !== undefined).map(({ name }) => name));

/** What of the link's view is not shown, and why; empty if all is. */
export const viewFault = signal("");
/** Whether the link has a layout or plots that differ from what this browser keeps. */
export const isLinkedView = signal(false);
/** Whether the view is too long for the address. */
export const isViewTooLong = signal(false);

/** The parts as they are. */
const view = computed(() => {
  const found: Record<string, unknown> = {};
  for (const { name, read } of VIEW_PARTS) {
    const value = read();
    if (value !== undefined) found[name] = value;
  }
  return JSON.stringify(found);
});

/** The parts of the link that is shown, for when what the browser keeps is loaded anew. */
let linked: Readonly<Record<string, unknown>> = {};
const isWriting = signal(false);
let isFirst = true;
/** The entity of the link, until it is known whether there is one. */
const linkedEntity = signal<string | null>(null);
const rest = scheduler.slot();

/** Show the view of each address that is opened, and keep the address at the view. Call once, behind what loads the own view. */
export function startViewLink(): void {
  followOpenedAddresses();
  followLoadedViews();
  followUnknownEntity();
  effect(() => {
    const entity = selectedEntity.value;
    if (isWriting.value && entity !== null) setHash({ [ENTITY]: entityKey(entity) });
  });
  effect(() => {
    void view.value;
    if (isWriting.value) rest.restart(REST_MS, () => void writeView());
  });
}

/** Write the view into the address now, before that is copied. */
export async function writeView(): Promise<void> {
  rest.cancel();
  if (!isWriting.peek()) return;
  const text = view.peek();
  const code = await encodeView(text);
  // Meanwhile the view may have changed: the next write follows.
  if (text !== view.peek()) return;
  if (isLinkedView.peek()) linked = JSON.parse(text) as typeof linked;
  isViewTooLong.value = code === undefined;
  if (code !== undefined && !isLinkedView.peek()) rememberOwn(code);
  setHash({ [VIEW]: code ?? TOO_LONG });
}

/** The address of what the page shows, for sharing. */
export async function shareUrl(): Promise<string> {
  const [known] = await Promise.all([knownNow(), writeView()]);
  return momentUrl({ [KNOWN]: known ?? null });
}

/** Keep the link's view in place of the own one. */
export function keepLinkedView(): void {
  endLinked();
  const name = user.peek();
  if (name !== null) for (const { keep } of VIEW_PARTS) keep?.(name);
}

/** Show the own view again: the page is loaded without that of the link. */
export function dropLinkedView(): void {
  const values = hashValues();
  values.delete(VIEW);
  isWriting.value = false;
  rest.cancel();
  history.replaceState(history.state, "", `#${hashText(values)}`);
  location.reload();
}

function endLinked(): void {
  [linked, isLinkedView.value] = [{}, false];
  holdLocal(new Set());
}

function followOpenedAddresses(): void {
  let isOpened = true;
  effect(() => {
    if (!isMomentShown.value) {
      isOpened = true;
      return;
    }
    if (!isOpened) return;
    isOpened = false;
    untracked(() => void openView().finally(() => (isWriting.value = true)));
  });
}

/** Show what the address says of the view; without it, the view stays. */
async function openView(): Promise<void> {
  const values = hashValues();
  const entity = entityOf(values.get(ENTITY));
  if (entity !== undefined) {
    selectEntity(entity);
    linkedEntity.value = entityKey(entity);
  }
  const code = values.get(VIEW);
  viewFault.value = "";
  if (code === TOO_LONG) viewFault.value = "The view of this link was too long for it: the link has the moment and the entity. Layout and plots are your own.";
  if (code === null || code === TOO_LONG) return;
  try {
    const found = expectObject(parseJson(await decodeView(code)), "The view");
    showView(isReload() && ownCodes().includes(code) ? withoutKept(found) : found);
  } catch (error) {
    viewFault.value = `The view of this link is not shown: ${(error as Error).message}. Copy the whole link again.`;
  }
}

/** Whether this address is the first of a page that was loaded again. */
function isReload(): boolean {
  const first = isFirst;
  isFirst = false;
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return first && entry?.type === "reload";
}

/** The newest views that this tab has written of its own. After a reload the browser may keep a newer one. */
function ownCodes(): string[] {
  return JSON.parse(sessionStorage.getItem(OWN_CODES) ?? "[]") as string[];
}

function rememberOwn(code: string): void {
  sessionStorage.setItem(OWN_CODES, JSON.stringify([code, ...ownCodes().filter((one) => one !== code)].slice(0, OWN_CODES_MAX)));
}

function withoutKept(found: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(found).filter(([name]) => !KEPT.has(name)));
}

function showView(found: Readonly<Record<string, unknown>>): void {
  const isOther = VIEW_PARTS.some(({ name, isOwn }) => found[name] !== undefined && isOwn?.(found[name]) === false);
  if (isOther) {
    holdLocal(KEPT);
    [linked, isLinkedView.value] = [found, true];
  }
  const faults = VIEW_PARTS.flatMap(({ name, what, show }) => {
    try {
      show(found[name]);
      return [];
    } catch (error) {
      return [`${what} (${(error as Error).message})`];
    }
  });
  if (faults.length > 0) viewFault.value = `Of this link are not shown: ${faults.join("; ")}.`;
}

/** A login, and another default of the instance, load what the browser keeps: the link's view stays. */
function followLoadedViews(): void {
  let name = user.value;
  effect(() => {
    void [defaultView.value, edgeDefault.value];
    if (user.value === null) return;
    const isOtherUser = name !== null && user.value !== name;
    name = user.value;
    // Behind the effects that load what the browser keeps.
    queueMicrotask(() => {
      if (!isLinkedView.value) return;
      if (isOtherUser) endLinked();
      else showKept();
    });
  });
}

function showKept(): void {
  for (const { name, keep, show } of VIEW_PARTS) {
    try {
      if (keep !== undefined) show(linked[name]);
    } catch {
      // Its fault was said when the link was opened.
    }
  }
}

/** An entity that the link names and nobody has listed is said to be unknown, once. */
function followUnknownEntity(): void {
  effect(() => {
    const [asked, listed] = [linkedEntity.value, entities.value];
    if (asked === null || listed === null) return;
    linkedEntity.value = null;
    if (listed.some((one) => entityKey(one) === asked)) return;
    viewFault.value = `The entity ${asked} of this link is unknown, or you may not see it.`;
  });
}

function entityOf(text: string | null): Entity | undefined {
  const [scopeId, systemId, containerId, uniqueId, ...more] = (text ?? "").split("/");
  if (!scopeId || !systemId || !containerId || !uniqueId || more.length > 0) return undefined;
  return { scopeId, systemId, containerId, uniqueId };
}
