/** Panels of state strips: the states of fields over time, as coloured bars. */

import { TIME_SCHEMA, type TimeOptions } from "../panels/panel_time";
import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";

export interface StatesOptions extends TimeOptions {
  fields?: FieldRef[];
}

const STRIPS_MAX = 16;

export const statesKind: PanelKind<StatesOptions> = {
  kind: "states",
  title: "State strips",
  isSingle: false,
  schema: { fields: { label: "Fields", type: "fields", max: STRIPS_MAX, isAnyKind: true }, ...TIME_SCHEMA },
  withField: (options, field) => ({ ...options, fields: withFieldAdded(options.fields, field, STRIPS_MAX) }),
};
