/** Panels that lay spans of different times on one axis, which counts from their starts. */

import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";
import type { AlignedLane } from "./aligned_lanes";

export interface AlignedOptions {
  fields?: FieldRef[];
  lanes?: AlignedLane[];
  lengthS?: number;
}

export const FIELDS_MAX = 4;
export const LANES_MAX = 8;
export const LANE_NAME_MAX_CHARS = 60;
const LENGTH_MAX_S = 200 * 366 * 86_400;
const SHIFT_MAX_S = LENGTH_MAX_S;

export const alignedKind: PanelKind<AlignedOptions> = {
  kind: "aligned",
  title: "Aligned plot",
  isSingle: false,
  schema: {
    fields: { label: "Fields", type: "fields", max: FIELDS_MAX },
    lanes: {
      label: "Lanes",
      type: "list",
      max: LANES_MAX,
      members: {
        name: { label: "Name", type: "text", maxChars: LANE_NAME_MAX_CHARS },
        start: { label: "Starts at (UTC); empty: with the visible span", type: "text", maxChars: LANE_NAME_MAX_CHARS },
        shiftS: { label: "Shifted by (seconds)", type: "number", min: -SHIFT_MAX_S, max: SHIFT_MAX_S },
      },
    },
    lengthS: { label: "Length (seconds); empty: that of the visible span", type: "number", min: 0.001, max: LENGTH_MAX_S },
  },
  withField: (options, field) => ({ ...options, fields: withFieldAdded(options.fields, field, FIELDS_MAX) }),
};
