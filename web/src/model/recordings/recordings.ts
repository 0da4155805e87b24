/** The recordings that the panel lists: of the whole archive, in the timebase of the clock, whatever its time. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { RecordingInfo, Recordings } from "../../api/protocol";
import { scheduler } from "../../scheduler";
import { state, timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { askNewNotes, notes } from "../notes/notes";
import { singleFlight } from "../page/single_flight";
import { connection, recoveries, request, user } from "../session/session";
import { followMoves } from "../timeline/moves";
import { entityKey } from "../values/event";
import { compareTimes } from "../values/time";
import { matchingRecordings, namedRecordings, type Recording, type RecordingSource } from "./recording_names";
import { GAP_SECONDS, type RecordingsOptions } from "./recordings_kind";

const PAGE_RECORDINGS = 200;
/** Replies that are asked for until one has recordings: where data has no silences they are far apart. */
const REPLIES_MAX = 10;
const LIVE_INTERVAL_MS = 30_000;
/** A page that is not LIVE asks again with a move, at most this often: the whole archive is looked through. */
const MOVED_INTERVAL_MS = 10_000;
const RETRY_INTERVAL_MS = 3_000;

/** The options of the panel on the page; null while there is none. */
export const shownOptions = signal<RecordingsOptions | null>(null);
export const recordingSearch = signal("");
export const recordingsError = signal("");
export const areRecordingsAsked = signal(false);

interface Found {
  /** What was asked for. */
  readonly key: string;
  readonly recordings: readonly RecordingInfo[];
  readonly gapS: number;
  readonly nextKey: string | null;
  readonly reached: string | null;
}

const found = signal<Found | null>(null);

/** Of what recordings are listed; null where an entity has to be selected first. */
export const recordingSource = computed<RecordingSource | null>(() => {
  const of = shownOptions.value?.of ?? "entity";
  const entity = selectedEntity.value;
  if (of === "all") return { entity: null, scopeId: null };
  if (entity === null) return null;
  return of === "scope" ? { entity: null, scopeId: entity.scopeId } : { entity, scopeId: entity.scopeId };
});

/** What is asked for; empty if nothing is. */
const askedKey = computed(() => {
  const [options, source] = [shownOptions.value, recordingSource.value];
  if (options === null || source === null || user.value === null) return "";
  const of = source.entity === null ? (source.scopeId ?? "") : entityKey(source.entity);
  return JSON.stringify([user.value, timebase.value, options.gap ?? "learnt", source.entity === null, of]);
});

const current = computed(() => (found.value?.key === askedKey.value ? found.value : null));

/** All that were found, newest first; null until they are. */
export const recordings = computed<readonly Recording[] | null>(() => {
  const source = recordingSource.value;
  if (current.value === null || source === null) return null;
  return namedRecordings(current.value.recordings, notes.value, source, timebase.value);
});

export const listedRecordings = computed(() => matchingRecordings(recordings.value ?? [], recordingSearch.value));
export const usedGapS = computed(() => current.value?.gapS ?? null);
/** The time up to which the archive was looked through; null if to its begin. */
export const recordingsReached = computed(() => current.value?.reached ?? null);

const isPanelShown = computed(() => shownOptions.value !== null);
let askedMs = 0;

const askFirst = singleFlight(() => ask(false));
const askMore = singleFlight(() => ask(true));

/** List recordings while a panel shows them. Call once. */
export function startRecordings(): void {
  effect(() => {
    if (askedKey.value !== "" && isOpen()) untracked(askFirst);
  });
  effect(() => {
    // The names are notes.
    if (isPanelShown.value) untracked(askNewNotes);
  });
  const pace = scheduler.slot();
  const askIfShown = () => askedKey.peek() !== "" && isOpen() && askFirst();
  followMoves(() => pace.startIfIdle(Math.max(0, askedMs + MOVED_INTERVAL_MS - Date.now()), askIfShown));
  recoveries.subscribe(() => recordingsError.value !== "" && askFirst());
  scheduler.every(RETRY_INTERVAL_MS, askFirst, { when: () => recordingsError.value !== "" && askedKey.value !== "" && isOpen() });
  const isDue = () => state.value === "LIVE" && askedKey.value !== "" && isOpen();
  scheduler.every(LIVE_INTERVAL_MS, askFirst, { when: isDue, pausesWhenHidden: true });
}

/** Look further back. */
export function readOlderRecordings(): void {
  askMore();
}

async function ask(isMore: boolean): Promise<void> {
  const [key, before] = [askedKey.peek(), current.peek()];
  if (key === "" || (isMore && before?.nextKey == null)) return;
  areRecordingsAsked.value = true;
  askedMs = Date.now();
  try {
    const next = await readPages(key, isMore ? before : null);
    if (key !== askedKey.peek()) return;
    batch(() => {
      found.value = isMore ? next : withOlder(next, before);
      recordingsError.value = "";
    });
  } catch (error) {
    if (key === askedKey.peek()) recordingsError.value = (error as Error).message;
  } finally {
    areRecordingsAsked.value = false;
  }
}

/** A page, behind those that are there. */
async function readPages(key: string, before: Found | null): Promise<Found> {
  let all: Found | null = before;
  const count = before?.recordings.length ?? 0;
  for (let reply = 0; reply < REPLIES_MAX; reply++) {
    const page = await request(messageOf(all), "recordingsResponse");
    const recordings = [...(all?.recordings ?? []), ...page.recordings];
    all = { key, recordings, gapS: page.gapSeconds, nextKey: page.nextKey ?? null, reached: page.reached ?? null };
    if (all.nextKey === null || recordings.length > count) break;
  }
  return all as Found;
}

function messageOf(before: Found | null): Recordings {
  const [gap, source] = [shownOptions.peek()?.gap ?? "learnt", recordingSource.peek()];
  const gapSeconds = before?.gapS ?? GAP_SECONDS[gap];
  const entity = source?.entity ?? null;
  return {
    type: "recordings",
    timebase: timebase.peek(),
    limit: PAGE_RECORDINGS,
    filters: {
      ...(source?.scopeId == null ? {} : { scopeIds: [source.scopeId] }),
      ...(entity === null ? {} : { systemId: entity.systemId, containerId: entity.containerId, uniqueId: entity.uniqueId }),
    },
    ...(gapSeconds === null ? {} : { gapSeconds }),
    ...(before?.nextKey == null ? {} : { afterKey: before.nextKey }),
  };
}

/** A first page, with the older recordings that were read before by the same gap. */
function withOlder(first: Found, before: Found | null): Found {
  const oldest = first.recordings.at(-1);
  if (before === null || before.gapS !== first.gapS || first.nextKey === null || oldest === undefined) return first;
  const older = before.recordings.filter(({ stopTime }) => compareTimes(stopTime, oldest.startTime) < 0);
  if (older.length === 0) return first;
  return { ...first, recordings: [...first.recordings, ...older], nextKey: before.nextKey, reached: before.reached };
}

function isOpen(): boolean {
  return connection.value === "open";
}
