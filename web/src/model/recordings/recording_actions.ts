/** What is done with recordings: the timeline shows one, selects it, or several lie on one axis. */

import { batch, computed, signal } from "@preact/signals";
import { seek, state } from "../clock/clock";
import { alignedKind, FIELDS_MAX, LANE_NAME_MAX_CHARS, LANES_MAX, type AlignedOptions } from "../kinds/aligned_kind";
import { addPanel, maximise } from "../layout/layout_store";
import { activePlot, plots } from "../plots/plots";
import { showToast } from "../page/toast";
import { setSelection, setVisible, withMargin } from "../timeline/span";
import { toFineMs } from "../values/time";
import { type Recording, recordingLengthMs, recordingTitle } from "./recording_names";
import { recordings } from "./recordings";

/** A recording of one moment has a lane all the same. */
const LANE_MIN_MS = 60_000;

/** The begins of the recordings that are chosen for lanes. */
const chosenStarts = signal<ReadonlySet<string>>(new Set());

/** The chosen ones among those that are listed. */
export const chosenRecordings = computed(() => (recordings.value ?? []).filter(({ from }) => chosenStarts.value.has(from)));

export function isChosen({ from }: Recording): boolean {
  return chosenStarts.value.has(from);
}

/** Choose a recording, or leave it out; no more than an aligned plot has lanes. */
export function chooseRecording({ from }: Recording, isIn: boolean): void {
  const next = new Set(chosenRecordings.value.map((one) => one.from));
  if (!isIn) next.delete(from);
  else if (next.size < LANES_MAX) next.add(from);
  else showToast(`An aligned plot has at most ${LANES_MAX} lanes.`);
  chosenStarts.value = next;
}

export function chooseNone(): void {
  chosenStarts.value = new Set();
}

/** Fit a recording into view, and set the clock to its begin or its end. */
export function goToRecording({ from, to }: Recording, end: "from" | "to" = "from"): void {
  const wasLive = state.value === "LIVE";
  batch(() => {
    if (state.value === "PLAYING") state.value = "PAUSED";
    seek(end === "from" ? from : to);
    setVisible(withMargin(toFineMs(from), toFineMs(to)));
  });
  showToast(wasLive ? "LIVE is left: the clock is at the recording. Press L to return." : "");
}

/** Make a recording the timeline's selection. */
export function selectRecording({ from, to }: Recording): void {
  batch(() => {
    setSelection({ startMs: toFineMs(from), stopMs: toFineMs(to) });
    setVisible(withMargin(toFineMs(from), toFineMs(to)));
  });
}

/** Open the chosen recordings in an aligned plot, the oldest first, with the fields of the active plot. */
export function openAsLanes(): void {
  const chosen = [...chosenRecordings.value].reverse();
  if (chosen.length === 0) return;
  const plot = plots.value.find(({ id }) => id === activePlot.value);
  const options: AlignedOptions = {
    fields: (plot?.fields ?? []).slice(0, FIELDS_MAX),
    lanes: chosen.map((one) => ({ name: recordingTitle(one).slice(0, LANE_NAME_MAX_CHARS), start: one.from })),
    lengthS: Math.max(LANE_MIN_MS, ...chosen.map(recordingLengthMs)) / 1_000,
  };
  maximise(addPanel(alignedKind.kind, { ...options }));
  showToast("The lanes fill the page until you press Esc.");
  chooseNone();
}
