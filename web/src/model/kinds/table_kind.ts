/** Panels with a table of fields: their values at the clock, one line each. */

import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";

export interface TableOptions {
  fields?: FieldRef[];
}

const ROWS_MAX = 64;

export const tableKind: PanelKind<TableOptions> = {
  kind: "table",
  title: "Table",
  isSingle: false,
  schema: { fields: { label: "Fields", type: "fields", max: ROWS_MAX, isAnyKind: true } },
  withField: (options, field) => ({ ...options, fields: withFieldAdded(options.fields, field, ROWS_MAX) }),
};
