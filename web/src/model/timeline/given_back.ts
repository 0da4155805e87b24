/** What the screen says about events that retention has deleted: since when they are kept. */

import { computed } from "@preact/signals";
import type { GivenBackInfo } from "../../api/protocol";
import { cursor } from "../clock/clock";
import { formatTime, toFineMs } from "../values/time";
import { visible } from "./span";
import { extent } from "./timeline_data";

export interface GivenBackNotice {
  readonly text: string;
  /** One line for each scope and lane. */
  readonly detail: string;
}

/** The notice for a span that begins at `startMs`; undefined if everything from then on is kept. */
export function noticeOf(givenBack: readonly GivenBackInfo[], startMs: number): GivenBackNotice | undefined {
  const before = givenBack.filter(({ until }) => startMs < toFineMs(until));
  if (before.length === 0) return undefined;
  const latest = before.map(({ until }) => until).reduce((a, b) => (toFineMs(a) < toFineMs(b) ? b : a));
  const lines = before.map(({ scopeId, lane, until }) => `${scopeId} ${lane}: kept from ${formatTime(until)}`);
  return { text: `given back until ${formatTime(latest).slice(0, DAY_CHARS)}`, detail: lines.join("\n") };
}

const DAY_CHARS = "2030-01-31".length;

/** The notice for what is visible now, or for the cursor if that is earlier. */
export const givenBackNotice = computed(() => {
  const given = extent.value?.givenBack;
  if (given === undefined) return undefined;
  return noticeOf(given, Math.min(visible.value.startMs, toFineMs(cursor.value)));
});
