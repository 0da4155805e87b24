/** All markers on the timeline: of events and alarms, and the matches of searches. */

import { computed } from "@preact/signals";
import { matchMarkers } from "../search/searches";
import type { Marker } from "./markers";
import { markers } from "./timeline_data";

export const shownMarkers = computed<readonly Marker[]>(() => (matchMarkers.value.length === 0 ? markers.value : [...matchMarkers.value, ...markers.value]));
