/** Panels with histograms: how often fields have values of each size. */

import { TIME_SCHEMA, type TimeOptions } from "../panels/panel_time";
import type { PanelKind } from "../panels/panel_kind";
import { withFieldAdded } from "../panels/panel_fields";
import type { FieldRef } from "../values/field_ref";

export interface HistogramOptions extends TimeOptions {
  fields?: FieldRef[];
  bins?: number;
}

const HISTOGRAMS_MAX = 6;
export const BINS_DEFAULT = 40;

export const histogramKind: PanelKind<HistogramOptions> = {
  kind: "histogram",
  title: "Histogram",
  isSingle: false,
  schema: {
    fields: { label: "Fields", type: "fields", max: HISTOGRAMS_MAX },
    bins: { label: "Bins, about", type: "number", min: 2, max: 500 },
    ...TIME_SCHEMA,
  },
  withField: (options, field) => ({ ...options, fields: withFieldAdded(options.fields, field, HISTOGRAMS_MAX) }),
};
