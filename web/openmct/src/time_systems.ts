/** Both timebases of NOVA as time systems of Open MCT. */

import type { OpenMct } from "./openmct";

export type Timebase = "source" | "canonical";

export const TIMES: readonly { key: Timebase; name: string }[] = [
  { key: "source", name: "Source time" },
  { key: "canonical", name: "Receive time" },
];

export function addTimeSystems(openmct: OpenMct): void {
  for (const { key, name } of TIMES) {
    openmct.time.addTimeSystem({ key, name, cssClass: "icon-clock", timeFormat: "utc", durationFormat: "duration", isUTCBased: true });
  }
}

/** The timebase of a time system; source time for those of others. */
export function timebaseOf(domain: string): Timebase {
  return domain === "canonical" ? "canonical" : "source";
}

/** A time in ms since 1970 as NOVA writes it. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
