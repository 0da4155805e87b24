/** A field of a series by name, as panels, files and drags hold it. */

import type { SeriesName } from "../../api/series";
import { entityKey } from "./event";
import { expectObject, expectText } from "./json_check";

/** One field of one series; the names of nested members are joined by dots. */
export interface FieldRef {
  series: SeriesName;
  field: string;
}

const NAME_MAX_CHARS = 256;

/** The map key of a series. */
export function seriesNameKey(series: SeriesName): string {
  return `${entityKey(series)} ${series.lane} ${series.messageType} ${series.viewId ?? ""}`;
}

/** The map key of a field. */
export function fieldKey(of: FieldRef): string {
  return `${seriesNameKey(of.series)} ${of.field}`;
}

/** The field of a JSON value; throws an Error that names the place and the rule. */
export function parseFieldRef(value: unknown, name: string): FieldRef {
  const found = expectObject(value, name);
  return { series: parseSeries(found["series"], `${name}.series`), field: expectText(found["field"], `${name}.field`, NAME_MAX_CHARS) };
}

/** The series of a JSON value; throws an Error that names the place and the rule. */
export function parseSeries(value: unknown, name: string): SeriesName {
  const found = expectObject(value, name);
  const { lane, viewId } = found;
  if (lane !== "parsed" && lane !== "ui") throw new Error(`${name}.lane: must be "parsed" or "ui".`);
  const text = (member: string, minChars = 1) => expectText(found[member], `${name}.${member}`, NAME_MAX_CHARS, minChars);
  const view = viewId == null ? {} : { viewId: text("viewId") };
  return {
    scopeId: text("scopeId"),
    systemId: text("systemId"),
    containerId: text("containerId"),
    uniqueId: text("uniqueId"),
    lane,
    messageType: text("messageType", 0),
    ...view,
  };
}
