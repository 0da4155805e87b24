/**
 * The state of a view: the fold of its updates in the server's order, independent of the order of arrival.
 *
 * An update sets some keys. Each key stores the position of the update that set it; only a later update
 * sets it again. So a late update still sets keys that no later one has set, a repeated update counts
 * once, and a reply and a stream that overlap give one state. Where the known updates leave it open which
 * value counts (`doubt`), the state is queried from the server.
 */

import type { Timebase } from "../clock/clock";
import { type Entity, entityKey, type StoredEvent } from "../values/event";
import { eventOrder, isExactOrder, normalTime, orderAt, orderTime } from "../values/event_order";

/** The value of a key, and the order position of the update that set it. */
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
  /** The order position of the latest update. */
  readonly order: string;
  /** By version. */
  readonly cells: ReadonlyMap<string, Cells>;
  /** Versions whose updates up to now are all known. */
  readonly completeVersions: ReadonlySet<string>;
  /** Whether the state has to be queried: a key's value may be wrong or missing. */
  readonly doubt: boolean;
}

/** A state in the server's reply, in a timebase. */
export interface AnsweredState extends Entity {
  viewId: string;
  manifestId: string;
  manifestVersion: string;
  state: Readonly<Record<string, unknown>>;
  keyTimes: Readonly<Record<string, string>>;
  lastTime: string;
  lastEventId: string;
}

/** The map key of a view of an entity. */
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

/** The state after more updates, in whatever order they come; `undefined` before the first. */
export function foldUpdates(
  view: ViewState | undefined,
  events: readonly StoredEvent[],
  timebase: Timebase,
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
    doubt = setCells(cells, event, order) || doubt;
    if (order >= last) [last, latest] = [order, event];
  }
  const head = latest === undefined ? (view as ViewState) : headOf(latest);
  return { ...head, order: last, cells: versions, completeVersions: view?.completeVersions ?? new Set(), doubt };
}

/** Apply an update to the cells; returns whether the result is in doubt. */
function setCells(cells: Map<string, Cell>, event: StoredEvent, order: string): boolean {
  let doubt = false;
  const data = event["data"] as Record<string, unknown>;
  for (const key of Object.keys(data)) {
    const said: Cell = { value: data[key], order };
    const before = cells.get(key);
    let after = before;
    // At one nanosecond the eventId decides. If one is unknown, only equal values leave no doubt.
    if (before !== undefined && isTied(before, said)) doubt ||= !isSame(before.value, said.value);
    else if (before === undefined || order > before.order) after = said;
    if (after !== before) cells.set(key, after as Cell);
  }
  return doubt;
}

/** The parts of a view's state that its latest update sets, besides values. */
function headOf(event: StoredEvent): Omit<ViewState, "order" | "cells" | "completeVersions" | "doubt"> {
  const { scopeId, systemId, containerId, uniqueId } = event;
  const [viewId, manifestId] = [textMember(event.viewId), textMember(event["manifestId"])];
  return { scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion: textMember(event["manifestVersion"]) };
}

/**
 * Merge a reply with the updates that were streamed since the request. The doubts that the request
 * resolves are cleared.
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

/** A reply is exact for its time. Only an update streamed with that very nanosecond may be newer. */
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

/** Mark all versions as complete: a version that the reply does not name has no other updates. */
export function markComplete(view: ViewState): ViewState {
  return { ...view, completeVersions: new Set(view.cells.keys()) };
}

/** Whether the state of this view has to be queried again. */
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
