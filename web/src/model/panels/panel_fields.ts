/** Lists of fields in the options of panels. */

import { type FieldRef, fieldKey } from "../values/field_ref";

/** The fields with one more, unless it is there already; of a full list the last one is replaced. */
export function withFieldAdded(fields: readonly FieldRef[] = [], added: FieldRef, max: number): FieldRef[] {
  if (fields.some((one) => fieldKey(one) === fieldKey(added))) return [...fields];
  return [...fields.slice(0, max - 1), added];
}
