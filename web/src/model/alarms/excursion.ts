/**
 * Excursions: how long a value has been out of its limits. An excursion begins with the first update of a
 * run that is out of limits, whatever its severity, and ends with the first that is in them.
 */

import type { KeySpec } from "../../api/protocol";
import type { Cell } from "../cards/ui_state";
import { isViolation, verdictOf } from "./limits";

/** Where an excursion begins. */
export interface Excursion {
  /** The source time of its first update; identifies the excursion in both timebases. */
  readonly since: string;
  /** The position of that update in the order of the timebase. */
  readonly order: string;
  /** False if the past was not read far enough to find its start. */
  readonly isComplete: boolean;
}

/** One update of a key. */
export interface KeyUpdate {
  readonly value: unknown;
  readonly order: string;
  readonly source: string;
}

/**
 * The excursion of a key after one more update of it; `before` and `after` are its cells around the update.
 * Undefined if the key is in limits, or if the start of the excursion has to be read from the archive.
 */
export function excursionAfter(
  known: Excursion | undefined,
  said: KeyUpdate,
  before: Cell | undefined,
  after: Cell,
  spec: KeySpec,
): Excursion | undefined {
  if (!isViolation(verdictOf(after.value, spec))) return undefined;
  if (said.order < after.order) return excursionAfterLate(known, said, spec);
  if (known !== undefined) return known;
  if (before === undefined || isViolation(verdictOf(before.value, spec))) return undefined;
  return { since: said.source, order: said.order, isComplete: true };
}

/** A late update may split an excursion, or move its start into the past. */
function excursionAfterLate(known: Excursion | undefined, said: KeyUpdate, spec: KeySpec): Excursion | undefined {
  if (known === undefined) return undefined;
  const isInside = said.order > known.order;
  return isViolation(verdictOf(said.value, spec)) === isInside ? known : undefined;
}

/**
 * The start of a key's excursion, from its updates, newest first; undefined if the newest is in limits.
 * `isAll`: no older updates exist.
 */
export function excursionStart(newestFirst: Iterable<KeyUpdate>, spec: KeySpec, isAll: boolean): Excursion | undefined {
  let first: KeyUpdate | undefined;
  for (const said of newestFirst) {
    if (!isViolation(verdictOf(said.value, spec))) {
      return first === undefined ? undefined : { since: first.source, order: first.order, isComplete: true };
    }
    first = said;
  }
  return first === undefined ? undefined : { since: first.source, order: first.order, isComplete: isAll };
}
