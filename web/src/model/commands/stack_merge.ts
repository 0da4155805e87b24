/** The stack is shared by the tabs of a browser: the changes of one are made to what is stored, not over it. */

/** What a tab has, or what is stored. */
export interface Stacked<T extends { readonly id: string }> {
  readonly commands: readonly T[];
  readonly isPatient: boolean;
}

/** Make to `stored` what has changed from `base` to `own`. A change outlives a removal by another tab: nothing is lost. */
export function mergedStack<T extends { readonly id: string }>(base: Stacked<T>, own: Stacked<T>, stored: Stacked<T>): Stacked<T> {
  const [before, mine, theirs] = [base, own, stored].map(byId) as [Map<string, T>, Map<string, T>, Map<string, T>];
  const pick = (id: string): T[] => {
    const [was, is, other] = [before.get(id), mine.get(id), theirs.get(id)];
    const isChanged = !isSame(was, is);
    if (is === undefined) return isChanged || other === undefined ? [] : [other];
    if (isChanged) return [is];
    return other === undefined ? [] : [other];
  };
  const order = isMoved(base, own) ? [...mine.keys(), ...theirs.keys()] : [...theirs.keys(), ...mine.keys()];
  const commands = [...new Set(order)].flatMap(pick);
  return { commands, isPatient: own.isPatient === base.isPatient ? stored.isPatient : own.isPatient };
}

/** Whether two values are stored as the same text. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function byId<T extends { readonly id: string }>({ commands }: Stacked<T>): Map<string, T> {
  return new Map(commands.map((one) => [one.id, one]));
}

/** Whether commands of both have another order. */
function isMoved<T extends { readonly id: string }>(base: Stacked<T>, own: Stacked<T>): boolean {
  const [before, mine] = [byId(base), byId(own)];
  const kept = [...before.keys()].filter((id) => mine.has(id));
  return !isSame(kept, [...mine.keys()].filter((id) => before.has(id)));
}
