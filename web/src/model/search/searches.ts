/** The searches that were started, with their matches: requested reply by reply, until stopped. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { Find, FindText } from "../../api/protocol";
import { RequestError } from "../../api/socket";
import { cursor, seek, state, timebase, type Timebase } from "../clock/clock";
import { selectEntity } from "../entities/entities";
import { showToast } from "../page/toast";
import { request, status, user } from "../session/session";
import { setSelection, setVisible, visible, withMargin } from "../timeline/span";
import { extent } from "../timeline/timeline_data";
import type { StoredEvent } from "../values/event";
import { fromFineMs, toFineMs } from "../values/time";
import { inOrder, type Match, matchBeside, matchMarkersOf, matchOfEvent, matchOfFinding } from "./matches";
import { noMatchText, nothingText } from "./search_limits";
import { faultOf, findMembers, type FieldSpec, type SearchSpec, textFilters, type TextSpec } from "./search_spec";

/** Searched times: the visible span, everything, or up to the clock. */
export const SEARCH_SPANS = { visible: "visible span", archive: "whole archive", clock: "up to the clock" } as const;
export type SearchSpan = keyof typeof SEARCH_SPANS;

export interface Search {
  readonly number: number;
  readonly spec: SearchSpec;
  readonly timebase: Timebase;
  /** The times that were asked for; a repetition asks for the same. */
  readonly asked: Asked;
  readonly matches: readonly Match[];
  readonly state: "running" | "complete" | "stopped" | "failed";
  /** What part of the span is searched, 0 to 1. */
  readonly progress: number;
  /** Whether there are more matches than are kept. */
  readonly isCut: boolean;
  /** Where in the archive the search is; undefined before the first reply that says it. */
  readonly reached: string | undefined;
  /** Whether it failed because the Core did not answer: it is repeated when it does. */
  readonly isUnanswered: boolean;
  /** What the user should know of the reply: an unknown field, values that are missing, a failure. */
  readonly note: string;
}

type Asked = Pick<Find, "startTime" | "stopTime" | "reverse" | "timebase">;

/** Errors of a Core that does not answer, which say nothing of the search. */
const UNANSWERED: ReadonlySet<string> = new Set(["disconnected", "coreUnavailable", "timeout"]);
/** Matches that are kept of one search: a list of more helps nobody. */
export const MATCHES_MAX = 5_000;
export const SEARCHES_MAX = 8;
const PAGE_MATCHES = 500;
const UNKNOWN_SERIES = "This series is unknown: no event of it was ever received, or you may not see it.";
const BEHIND = "The newest values are not searched yet: the sampler is behind.";

export const searches = signal<readonly Search[]>([]);
export const searchSpan = signal<SearchSpan>("archive");
/** Newest first is the order of searching, and of the list. */
export const newestFirst = signal(true);

/** All matches in the order of time. */
export const allMatches = computed(() => inOrder(searches.value.flatMap(({ matches }) => matches)));
export const listedMatches = computed(() => (newestFirst.value ? [...allMatches.value].reverse() : allMatches.value));
export const matchMarkers = computed(() => matchMarkersOf(allMatches.value));
export const isSearching = computed(() => searches.value.some((one) => one.state === "running"));

let count = 0;

interface Times {
  startTime?: string;
  stopTime?: string;
}

/** Search for this alone, or beside what was searched before; returns why it cannot be searched. */
export function startSearch(spec: SearchSpec, isAdded: boolean): string | undefined {
  const fault = faultOf(spec);
  if (fault !== undefined) return fault;
  if (isAdded && searches.value.length >= SEARCHES_MAX) return `${SEARCHES_MAX} searches at once are the most: remove one.`;
  startSearches([spec], isAdded);
  return undefined;
}

/** Search for all of these. */
export function startSearches(specs: readonly SearchSpec[], isAdded = false): void {
  const times = timesOf(searchSpan.value);
  const asked = { ...times, reverse: newestFirst.value, timebase: timebase.value };
  const started = specs.slice(0, SEARCHES_MAX).map((spec) => searchOf(++count, spec, asked));
  searches.value = isAdded ? [...searches.value, ...started] : started;
  for (const one of started) void run(one);
}

function searchOf(number: number, spec: SearchSpec, asked: Asked): Search {
  const nothing = { matches: [], progress: 0, isCut: false, reached: undefined, isUnanswered: false, note: "" };
  return { number, spec, timebase: asked.timebase ?? "source", asked, state: "running", ...nothing };
}

/** Repeat the searches that failed because the Core did not answer. */
function repeatUnanswered(): void {
  for (const { number, spec, asked } of searches.value.filter((one) => one.isUnanswered)) {
    const again = searchOf(number, spec, asked);
    change(number, () => again);
    void run(again);
  }
}

/** Search for the same again: at other times, or in the other timebase. */
export function searchAgain(): void {
  if (searches.value.length > 0) startSearches(searches.value.map(({ spec }) => spec));
}

/** Stop all searches; what they have found stays. */
export function stopSearches(): void {
  searches.value = searches.value.map((one) => (one.state === "running" ? { ...one, state: "stopped" } : one));
}

/** Remove a search with its matches. */
export function removeSearch(number: number): void {
  searches.value = searches.value.filter((one) => one.number !== number);
}

export function clearSearches(): void {
  searches.value = [];
}

/** Another user sees nothing of what was searched. */
export function followUser(): void {
  let name = user.value;
  effect(() => {
    if (user.value === null || user.value === name) return;
    if (name !== null) untracked(clearSearches);
    name = user.value;
  });
}

/** The Core's state is requested all the time: a reply says that it answers again. */
export function followCore(): void {
  effect(() => {
    if (status.value !== null) untracked(repeatUnanswered);
  });
}

/** The time range of a choice, as of now. */
function timesOf(span: SearchSpan): Times {
  if (span === "clock") return { stopTime: cursor.value };
  if (span === "archive") return {};
  const { startMs, stopMs } = visible.value;
  return { startTime: fromFineMs(startMs), stopTime: fromFineMs(stopMs) };
}

async function run({ number, spec, asked }: Search): Promise<void> {
  try {
    if (spec.kind === "field") await findField(number, spec, asked);
    else await findTexts(number, spec, asked);
    change(number, (one) => (one.state === "running" ? { ...one, state: "complete", progress: 1 } : one));
  } catch (error) {
    const isUnanswered = error instanceof RequestError && UNANSWERED.has(error.code);
    // What was stopped needs no further reply.
    change(number, (one) => (one.state === "running" ? { ...one, state: "failed", isUnanswered, note: (error as Error).message } : one));
  }
}

async function findField(number: number, spec: FieldSpec, asked: Asked): Promise<void> {
  let afterKey: string | null | undefined;
  do {
    const key = afterKey == null ? {} : { afterKey };
    const message: Find = { type: "find", ...asked, ...findMembers(spec), limit: PAGE_MATCHES, ...key };
    const reply = await request(message, "findResponse");
    const found = reply.findings.map((one) => matchOfFinding(one, spec, number));
    const notes = [];
    if (reply.unknownSeries === true) notes.push(UNKNOWN_SERIES);
    if ((reply.unknownFields ?? []).length > 0) notes.push(`No event of this series has the field ${spec.field}, at any time.`);
    if (reply.behind === true) notes.push(BEHIND);
    afterKey = reply.nextKey;
    append(number, found, { reached: reply.reached, progress: afterKey == null ? 1 : progressOf(asked, reply.reached), note: notes.join(" ") });
  } while (afterKey != null && isRunning(number));
}

/** The parts of the archive one after another: each has its share of the progress. */
async function findTexts(number: number, spec: TextSpec, asked: Asked): Promise<void> {
  const parts = textFilters(spec);
  for (const [index, filters] of parts.entries()) {
    let afterKey: string | null | undefined;
    do {
      const key = afterKey == null ? {} : { afterKey };
      const message: FindText = { type: "findText", ...asked, text: spec.text.trim(), filters, limit: PAGE_MATCHES, ...key };
      const reply = await request(message, "findTextResponse");
      const events = (reply.events as StoredEvent[]).filter((event) => isWanted(event, spec));
      afterKey = reply.nextKey;
      const share = afterKey == null ? 1 : progressOf(asked, reply.reached);
      const base = asked.timebase ?? "source";
      const found = events.map((one) => matchOfEvent(one, spec, base, number));
      append(number, found, { reached: reply.reached, progress: (index + share) / parts.length, note: "" });
    } while (afterKey != null && isRunning(number));
  }
}

/** Chat is among the events; who searches events without it does not get it. */
function isWanted(event: StoredEvent, { sources }: TextSpec): boolean {
  return event.messageType !== "ChatMessage" || sources.includes("chat");
}

interface Advance {
  reached: string | null | undefined;
  progress: number;
  note: string;
}

function append(number: number, found: readonly Match[], { reached, progress, note }: Advance): void {
  change(number, (one) => {
    const matches = [...one.matches, ...found];
    const isCut = matches.length > MATCHES_MAX;
    const ends = isCut && one.state === "running" ? ({ state: "complete" } as const) : {};
    const kept = isCut ? matches.slice(0, MATCHES_MAX) : matches;
    const at = (isCut ? kept.at(-1)?.time : reached) ?? one.reached;
    return { ...one, matches: kept, isCut, reached: at, progress, note, ...ends };
  });
}

/** How much of the span has been searched, in the direction of the search. */
function progressOf({ startTime, stopTime, reverse }: Asked, reached: string | null | undefined): number {
  const first = startTime == null ? extent.value?.startMs : toFineMs(startTime);
  const last = stopTime == null ? extent.value?.stopMs : toFineMs(stopTime);
  if (reached == null || first === undefined || last === undefined || last <= first) return 0;
  const share = (toFineMs(reached) - first) / (last - first);
  return Math.min(1, Math.max(0, reverse === true ? 1 - share : share));
}

function isRunning(number: number): boolean {
  return searches.value.some((one) => one.number === number && one.state === "running");
}

function change(number: number, how: (one: Search) => Search): void {
  searches.value = searches.value.map((one) => (one.number === number ? how(one) : one));
}

/** Move the clock to a match, with its entity selected. A playing clock is paused: a match is one moment. */
export function goToMatch(match: Match): void {
  const wasLive = state.value === "LIVE";
  batch(() => {
    selectEntity(match.entity);
    if (state.value === "PLAYING") state.value = "PAUSED";
    seek(match.time);
  });
  showToast(wasLive ? "LIVE is left: the clock is at the match. Press L to return." : "");
}

/** Go to a match that lasts, select its range, and show that. */
export function selectMatch(match: Match): void {
  const range = { startMs: toFineMs(match.time), stopMs: toFineMs(match.stop) };
  batch(() => {
    goToMatch(match);
    setSelection(range);
    setVisible(withMargin(range.startMs, range.stopMs));
  });
}

/** Go to the next or the previous match, as seen from the clock. */
export function stepMatch(direction: "next" | "previous"): void {
  if (allMatches.value.length === 0) {
    showToast(searches.value.length === 0 ? "There are no matches: search with the key F." : nothingText(searches.value));
    return;
  }
  const match = matchBeside(allMatches.value, cursor.value, direction);
  if (match === undefined) showToast(noMatchText(searches.value, cursor.value, direction));
  else goToMatch(match);
}
