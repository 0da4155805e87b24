/**
 * The state of a view: the fold of its updates in the server's order, whatever order they come in.
 *
 * An update sets some keys. Each key remembers where the update that set it stands, and only one that
 * stands later sets it again. So a late update still sets what no later one has set, the same update
 * twice is once, and an answer and a stream that overlap make one state. What cannot be decided from
 * what has come (`doubt`) is asked of the server.
 */

import { type Entity, entityKey, type StoredEvent } from "./event";
import { isExact, normal, orderAt, orderOf, timeIn } from "./order";
import type { Timebase } from "./timeline";

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
  readonly whole: ReadonlySet<string>;
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
  return timeIn(of.order);
}

/** A state as the server answered it. */
export function answered(by: AnsweredState): ViewState {
  const { scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion } = by;
  const lastTime = normal(by.lastTime);
  const cells = new Map<string, Cell>();
  for (const [key, value] of Object.entries(by.state)) {
    const time = normal(by.keyTimes[key] ?? lastTime);
    const order = orderAt(time, time === lastTime ? by.lastEventId : "");
    cells.set(key, { value, order });
  }
  return {
    ...{ scopeId, systemId, containerId, uniqueId, viewId, manifestId, manifestVersion },
    order: orderAt(lastTime, by.lastEventId),
    cells: new Map([[manifestVersion, cells]]),
    whole: new Set([manifestVersion]),
    doubt: false,
  };
}

/** The state after one more update; `undefined` before the first. */
export function updated(view: ViewState | undefined, event: StoredEvent, timebase: Timebase): ViewState {
  const one = ofUpdate(event, timebase);
  return view === undefined ? one : merged(view, one, stay);
}

/** What a single update says. */
function ofUpdate(event: StoredEvent, timebase: Timebase): ViewState {
  const { scopeId, systemId, containerId, uniqueId } = event;
  const order = orderOf(event, timebase);
  const version = text(event["manifestVersion"]);
  const data = event["data"] as Record<string, unknown>;
  return {
    ...{ scopeId, systemId, containerId, uniqueId, viewId: text(event.viewId), manifestId: text(event["manifestId"]) },
    manifestVersion: version,
    order,
    cells: new Map([[version, new Map(Object.entries(data).map(([key, value]) => [key, { value, order }]))]]),
    whole: new Set(),
    doubt: false,
  };
}

/**
 * What is known after an answer: with what was streamed since it was asked, and without the doubts it
 * was asked for.
 */
export function settled(known: ViewState | undefined, answer: ViewState): ViewState {
  return known === undefined ? answer : merged({ ...known, doubt: false }, answer, give);
}

/** What becomes of a key that was set twice at one nanosecond, where an eventId is not known. */
type Tie = (known: Cell, other: Cell) => { cell: Cell; doubt: boolean };

/** Of two updates at one nanosecond the eventId decides: without it only equal values are no doubt. */
function stay(known: Cell, other: Cell): { cell: Cell; doubt: boolean } {
  return { cell: known, doubt: !isSame(known.value, other.value) };
}

/** An answer is right, unless what was streamed came after it. */
function give(known: Cell, answer: Cell): { cell: Cell; doubt: boolean } {
  return { cell: answer, doubt: isExact(known.order) && !isSame(known.value, answer.value) };
}

function merged(one: ViewState, two: ViewState, tie: Tie): ViewState {
  const later = one.order >= two.order ? one : two;
  const cells = new Map(one.cells);
  let doubt = one.doubt || two.doubt;
  for (const [version, more] of two.cells) {
    const found = mergedCells(cells.get(version), more, tie);
    cells.set(version, found.cells);
    doubt ||= found.doubt;
  }
  return { ...later, cells, whole: union(one.whole, two.whole), doubt };
}

function mergedCells(one: Cells | undefined, two: Cells, tie: Tie): { cells: Cells; doubt: boolean } {
  if (one === undefined) return { cells: two, doubt: false };
  const cells = new Map(one);
  let doubt = false;
  for (const [key, cell] of two) {
    const known = cells.get(key);
    if (known === undefined || (!isTied(known, cell) && cell.order > known.order)) {
      cells.set(key, cell);
    } else if (isTied(known, cell)) {
      const decided = tie(known, cell);
      cells.set(key, decided.cell);
      doubt ||= decided.doubt;
    }
  }
  return { cells, doubt };
}

function isTied(one: Cell, two: Cell): boolean {
  return !(isExact(one.order) && isExact(two.order)) && timeIn(one.order) === timeIn(two.order);
}

/** The view once every update of it is in: of versions that no answer named there is no more either. */
export function completed(view: ViewState): ViewState {
  return { ...view, whole: new Set(view.cells.keys()) };
}

/** Whether the server has to be asked again for what this view shows. */
export function isDoubtful(view: ViewState): boolean {
  return view.doubt || !view.whole.has(view.manifestVersion);
}

function union(one: ReadonlySet<string>, two: ReadonlySet<string>): ReadonlySet<string> {
  if (two.size === 0) return one;
  return one.size === 0 ? two : new Set([...one, ...two]);
}

function isSame(one: unknown, two: unknown): boolean {
  return Object.is(one, two) || JSON.stringify(one) === JSON.stringify(two);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
