/** The narrowest filters of one stream that has the events of several series. */

import type { Filters } from "../../src/api/protocol";
import type { SeriesName } from "../../src/api/series";

export function liveFilters(all: readonly SeriesName[]): Filters {
  const of = (name: keyof SeriesName) => [...new Set(all.map((one) => one[name] ?? ""))].sort();
  const found: Filters = { scopeIds: of("scopeId"), lanes: of("lane") as ("parsed" | "ui")[] };
  const types = of("messageType");
  if (!types.includes("")) found.messageTypes = types;
  for (const name of ["systemId", "containerId", "uniqueId"] as const) {
    const [first = "", ...others] = of(name);
    if (others.length === 0) found[name] = first;
  }
  return found;
}
