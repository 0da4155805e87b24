/** Panels that plot fields against another field. */

import { TIME_SCHEMA, type TimeOptions } from "../panels/panel_time";
import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";

export interface XyOptions extends TimeOptions {
  x?: FieldRef[];
  y?: FieldRef[];
  isJoined?: boolean;
}

const Y_FIELDS_MAX = 4;

export const xyKind: PanelKind<XyOptions> = {
  kind: "xy",
  title: "XY plot",
  isSingle: false,
  schema: {
    x: { label: "X axis", type: "fields", max: 1 },
    y: { label: "Y axis", type: "fields", max: Y_FIELDS_MAX },
    isJoined: { label: "Join the points", type: "flag" },
    ...TIME_SCHEMA,
  },
  titleOf: ({ x = [], y = [] }) =>
    x.length === 0 || y.length === 0 ? "XY plot" : `${y.map(({ field }) => field).join(", ")} over ${(x[0] as FieldRef).field}`,
  // The first field that is dropped is x, those after it are y.
  withField: (options, field) =>
    options.x === undefined || options.x.length === 0
      ? { ...options, x: [field] }
      : { ...options, y: withFieldAdded(options.y, field, Y_FIELDS_MAX) },
};
