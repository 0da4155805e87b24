/** All markers on the timeline: of events and alarms, notes, and the matches of searches. */

import { computed } from "@preact/signals";
import { noteMarkers } from "../notes/notes";
import { matchMarkers } from "../search/searches";
import type { Marker } from "./markers";
import { markers } from "./timeline_data";

export const shownMarkers = computed<readonly Marker[]>(() => {
  const added = [...noteMarkers.value, ...matchMarkers.value];
  return added.length === 0 ? markers.value : [...added, ...markers.value];
});
