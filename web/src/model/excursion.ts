/**
 * How long a value has been out of its limits: an excursion begins with the first update of an unbroken
 * run that is out of limits, whatever its severity, and ends with the first that is in them.
 */

import type { KeySpec } from "../api/protocol";
import { isOut, verdictOf } from "./limits";
import type { Cell } from "./ui_state";

/** Where an excursion begins. */
export interface Excursion {
  /** The source time of its first update: it names the excursion by either clock. */
  readonly since: string;
  /** Where that update stands in the order of the timebase. */
  readonly order: string;
  /** Whether nothing of it lies further back: false where the past was not read that far. */
  readonly isKnown: boolean;
}

/** What one update says of a key. */
export interface Said {
  readonly value: unknown;
  readonly order: string;
  readonly source: string;
}

/**
 * The excursion of a key after one more update of it, `before` and `after` being its cells around it;
 * undefined where there is none, or where its beginning has to be read from the past.
 */
export function followed(
  known: Excursion | undefined,
  said: Said,
  before: Cell | undefined,
  after: Cell,
  spec: KeySpec,
): Excursion | undefined {
  if (!isOut(verdictOf(after.value, spec))) return undefined;
  if (said.order < after.order) return afterLate(known, said, spec);
  if (known !== undefined) return known;
  if (before === undefined || isOut(verdictOf(before.value, spec))) return undefined;
  return { since: said.source, order: said.order, isKnown: true };
}

/** A late update may split an excursion, or lengthen it into the past. */
function afterLate(known: Excursion | undefined, said: Said, spec: KeySpec): Excursion | undefined {
  if (known === undefined) return undefined;
  const isInside = said.order > known.order;
  return isOut(verdictOf(said.value, spec)) === isInside ? known : undefined;
}

/**
 * Where the excursion of a key begins, of what was said of it from the newest back; undefined where the
 * newest is in limits. `isAll`: there is nothing further back.
 */
export function beginning(newestFirst: Iterable<Said>, spec: KeySpec, isAll: boolean): Excursion | undefined {
  let first: Said | undefined;
  for (const said of newestFirst) {
    if (!isOut(verdictOf(said.value, spec))) {
      return first === undefined ? undefined : { since: first.source, order: first.order, isKnown: true };
    }
    first = said;
  }
  return first === undefined ? undefined : { since: first.source, order: first.order, isKnown: isAll };
}
