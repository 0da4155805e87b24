/** The instance's default view, converted for the models. */

import type { DefaultView, ViewLine } from "../../api/protocol";
import type { SeriesName } from "../../api/series";
import type { PositionFields } from "../tracks/track";
import { type Entity, entityKey } from "../values/event";
import { defaultView } from "./session";

export type { DefaultView };

/** A series in the form that plots use. */
export function viewLineSeries(of: Omit<ViewLine, "field">): SeriesName {
  const { scopeId, systemId, containerId, uniqueId, lane, messageType, viewId } = of;
  const view = viewId == null ? {} : { viewId };
  return { scopeId, systemId, containerId, uniqueId, lane: lane ?? "parsed", messageType, ...view };
}

/** The source of the ground track if the selected entity has no position; undefined if none is named. */
export function defaultTrack(): { series: SeriesName; place: PositionFields } | undefined {
  const found = defaultView.value?.track;
  if (found == null) return undefined;
  const { latitude = "latitude", longitude = "longitude" } = found;
  return { series: viewLineSeries(found), place: { kind: "degrees", latitude, longitude } };
}

/** The command whose form is open initially for an entity; undefined if none is named. */
export function defaultCommand(entity: Entity): string | undefined {
  const view = defaultView.value;
  if (view?.selected == null || entityKey(view.selected) !== entityKey(entity)) return undefined;
  return view.commandType ?? undefined;
}
