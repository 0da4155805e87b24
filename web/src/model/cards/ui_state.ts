/**
 * The state of a view: the fold of its updates in the server's order, whatever order they come in.
 *
 * An update sets some keys. Each key remembers where the update that set it stands, and only one that
 * stands later sets it again. So a late update still sets what no later one has set, the same update
 * twice counts once, and a reply and a stream that overlap make one state. What cannot be decided from
 * the updates at hand (`doubt`) is queried from the server.
 */

import type { Timebase } from "../clock/clock";
import { type Entity, entityKey, type StoredEvent } from "../values/event";
import { eventOrder, isExactOrder, normalTime, orderAt, orderTime } from "../values/event_order";

/** The value of a key, and where the update that set it stands in the order. */
export interface Cell {
  readonly value: unknown;
  readonly order: string;
}

export type Cells = ReadonlyMap<string, Cell>;

/** One view of one entity: the state is that of the version of its latest update. */
export interface ViewState extends Entity {
  readonly viewId: string;
  readonly manifestId: string;
  readonly manifestVersion: string;
  /** Where the latest update stands. */
  readonly order: string;
  /** By version. */
  readonly cells: ReadonlyMap<string, Cells>;
  /** Versions of which every update up to now is known to be in. */
  readonly completeVersions: ReadonlySet<string>;
  /** Whether the server has to be asked: the state shown may lack something. */
  readonly doubt: boolean;
}

/** A state as the server answers it, in a timebase. */
export interface AnsweredState extends Entity {
  viewId: string;
  manifestId: string;
  manifestVersion: string;
  state: Readonly<Record<string, unknown>>;
  keyTimes: Readonly<Record<string, string>>;
  lastTime: string;
  lastEventId: string;
}

/** One text per view of an entity. */
export function viewKey(of: Entity & { viewId: string }): string {
  return `${entityKey(of)} ${of.viewId}`;
}

/** Whether an event is an update of a view. */
export function isUpdate(event: StoredEvent): event is StoredEvent & { viewId: string } {
  return event.lane === "ui" && typeof event.viewId === "string" && isObject(event["data"]);
}

/** The values that are shown: those of the latest update's version. */
export function cellsOf(view: ViewState): Cells {
  return view.cells.get(view.manifestVersion) ?? new Map();
}

/** The time of a key's value, or of the latest update, in the timebase. */
export function timeOfCell(of: { order: string }): string {
  return orderTime(of.order);
}

/** A state as the server answered it. */
export function stateOfAnswer(by: AnsweredState): ViewState {
  const { scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion } = by;
  const lastTime = normalTime(by.lastTime);
  const cells = new Map<string, Cell>();
  for (const [key, value] of Object.entries(by.state)) {
    const time = normalTime(by.keyTimes[key] ?? lastTime);
    const order = orderAt(time, time === lastTime ? by.lastEventId : "");
    cells.set(key, { value, order });
  }
  return {
    ...{ scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion },
    order: orderAt(lastTime, by.lastEventId),
    cells: new Map([[manifestVersion, cells]]),
    completeVersions: new Set([manifestVersion]),
    doubt: false,
  };
}

/** Called for each key of each update, with its cells before and after it. */
export type KeyObserver = (event: StoredEvent, key: string, said: Cell, before: Cell | undefined, after: Cell) => void;

/** The state after more updates, in whatever order they come; `undefined` before the first. */
export function foldUpdates(
  view: ViewState | undefined,
  events: readonly StoredEvent[],
  timebase: Timebase,
  told?: KeyObserver,
): ViewState {
  const versions = new Map(view?.cells);
  const own = new Map<string, Map<string, Cell>>();
  let last = view?.order ?? "";
  let latest: StoredEvent | undefined;
  let doubt = view?.doubt ?? false;
  for (const event of events) {
    const order = eventOrder(event, timebase);
    const version = textMember(event["manifestVersion"]);
    let cells = own.get(version);
    if (cells === undefined) {
      cells = new Map(versions.get(version));
      own.set(version, cells);
      versions.set(version, cells);
    }
    doubt = setCells(cells, event, order, told) || doubt;
    if (order >= last) [last, latest] = [order, event];
  }
  const head = latest === undefined ? (view as ViewState) : headOf(latest);
  return { ...head, order: last, cells: versions, completeVersions: view?.completeVersions ?? new Set(), doubt };
}

/** Let an update set its keys; whether the server has to be asked. */
function setCells(cells: Map<string, Cell>, event: StoredEvent, order: string, told: KeyObserver | undefined): boolean {
  let doubt = false;
  const data = event["data"] as Record<string, unknown>;
  for (const key of Object.keys(data)) {
    const said: Cell = { value: data[key], order };
    const before = cells.get(key);
    let after = before;
    // Of two updates at one nanosecond the eventId decides: without it only equal values are no doubt.
    if (before !== undefined && isTied(before, said)) doubt ||= !isSame(before.value, said.value);
    else if (before === undefined || order > before.order) after = said;
    if (after !== before) cells.set(key, after as Cell);
    told?.(event, key, said, before, after as Cell);
  }
  return doubt;
}

/** What an update says of its view besides values. */
function headOf(event: StoredEvent): Omit<ViewState, "order" | "cells" | "completeVersions" | "doubt"> {
  const { scopeId, systemId, containerId, uniqueId } = event;
  const [viewId, manifestId] = [textMember(event.viewId), textMember(event["manifestId"])];
  return { scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion: textMember(event["manifestVersion"]) };
}

/**
 * What is known after an answer: with what was streamed since it was asked, and without the doubts it
 * was asked for.
 */
export function mergeAnswer(known: ViewState | undefined, answer: ViewState): ViewState {
  if (known === undefined) return answer;
  const later = known.order >= answer.order ? known : answer;
  const versions = new Map(known.cells);
  let doubt = false;
  for (const [version, cells] of answer.cells) {
    const found = mergeCells(versions.get(version), cells);
    versions.set(version, found.cells);
    doubt ||= found.doubt;
  }
  return { ...later, cells: versions, completeVersions: new Set([...known.completeVersions, ...answer.completeVersions]), doubt };
}

/** An answer is right of its time, unless what was streamed at that very nanosecond came after it. */
function mergeCells(known: Cells | undefined, answer: Cells): { cells: Cells; doubt: boolean } {
  const cells = new Map(known);
  let doubt = false;
  for (const [key, cell] of answer) {
    const before = cells.get(key);
    const isTie = before !== undefined && isTied(before, cell);
    if (isTie) doubt ||= isExactOrder(before.order) && !isSame(before.value, cell.value);
    if (isTie || before === undefined || cell.order > before.order) cells.set(key, cell);
  }
  return { cells, doubt };
}

function isTied(one: Cell, two: Cell): boolean {
  return !(isExactOrder(one.order) && isExactOrder(two.order)) && orderTime(one.order) === orderTime(two.order);
}

/** The view once every update of it is in: of versions that no answer named there is no more either. */
export function markComplete(view: ViewState): ViewState {
  return { ...view, completeVersions: new Set(view.cells.keys()) };
}

/** Whether the server has to be asked again for what this view shows. */
export function isDoubtful(view: ViewState): boolean {
  return view.doubt || !view.completeVersions.has(view.manifestVersion);
}

function isSame(one: unknown, two: unknown): boolean {
  return Object.is(one, two) || JSON.stringify(one) === JSON.stringify(two);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textMember(value: unknown): string {
  return typeof value === "string" ? value : "";
}
