/** How fresh entities and views are as of the clock: listed at each jump, continued by the stream. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { EntityInfo } from "../../api/protocol";
import { scheduler } from "../../scheduler";
import { backwards, cursor, cursorMs, isStalled, jumps, state, streamedEvents, timebase } from "../clock/clock";
import { singleFlight } from "../page/single_flight";
import { isCoreKnown, recoveries, request, status, user } from "../session/session";
import { type Entity, entityKey, eventTime, type Lane, type StoredEvent } from "../values/event";
import { fromMs, toMs } from "../values/time";
import { discoverAll, entities, isPartlyUnstreamed, presentListings, relistEntities, UNSTREAMED_LANES } from "./entities";
import { STALE_MIN_MS } from "../values/freshness";
import { SeenTimes, type SourceAge } from "./seen_times";

/** Ages are shown of one moment; while the clock moves, a new one this often. */
const BEAT_MS = 250;
/** Backwards only a listing says what was before an event, and in either direction what is not streamed. */
const LISTING_INTERVAL_MS = 500;
/** Forwards, no source is stale sooner than a listing of so much of the past. */
const LISTED_MS = 3_000;
/** LIVE, what lanes have sent that are not streamed is listed at this interval… */
const NEWS_INTERVAL_MS = 1_000;
/** …and at most so many entities a second, as it is little beside the stream. */
const NEWS_MAX_PER_S = 50;
/** The first time, what was received so shortly before is listed again: when exactly all was listed is not known. */
const NEWS_OVERLAP_MS = 10_000;
/** The intervals of so many silent sources are read from the archive at once, from so many of their newest events. */
const LEARNT_AT_ONCE = 8;
const LEARNT_EVENTS = 9;
/** Sources that have been silent for longer are stale, whatever their interval. */
const LEARNT_MAX_MS = 86_400_000;

/** What a source sends by itself. Commands to it and what is said of it are no sign of life. */
const TELEMETRY: ReadonlySet<Lane> = new Set(["ui", "parsed", "raw"]);

/** The ages of entities at one moment of the clock; null until they are known. Of thousands, those are computed that are asked for. */
export const entityAges = signal<EntityAges | null>(null);
/** The ages that can be shown: none while the clock should move and does not, because they would stand still. */
export const shownAges = computed(() => (isStalled.value ? null : entityAges.value));
/** The moment of those ages, in ms. */
export const agesAtMs = signal(Number.NaN);
/** The moment of the newest listing; NaN before the first behind a jump. */
export function listedAtMs(): number {
  return entityTimes.listedMs;
}

/** Whether the ages at the clock's time are being asked for. */
export const agesPending = signal(true);
/** Incremented when the ages of series may have changed. */
export const ageBeats = signal(0);

/** The ages at one moment, by the keys of entities. */
class EntityAges {
  private readonly known = new Map<string, SourceAge>();

  constructor(private readonly atMs: number) {}

  /** The age of an entity; undefined if it is not listed. */
  get(key: string): SourceAge | undefined {
    const known = this.known.get(key);
    const entity = known === undefined ? listed.peek().get(key) : undefined;
    if (entity === undefined) return known;
    const age = ageOf(key, entity, this.atMs);
    this.known.set(key, age);
    return age;
  }
}

/** The entities by their keys. */
const listed = computed(() => new Map((entities.value ?? []).map((one) => [entityKey(one), one])));

const entityTimes = new SeenTimes();
const seriesTimes = new SeenTimes();
/** Entities whose past was read since the clock has jumped, and up to which event. */
const asked = new Map<string, number>();
let generation = 0;
let isDirty = false;
let shownMs = Number.NaN;

/** Up to when lanes that are not streamed have been listed, in receive time; empty before the first listing of all. */
let newsAfter = "";
let newsNotBeforeMs = 0;

const askListing = singleFlight(refreshAges);
const askNews = singleFlight(refreshNews);
const learnMore = singleFlight(learnSilent);

/** The key of a series among all. */
export function sourceKey(of: Entity & { lane: string; viewId?: string | null; messageType?: string | null }): string {
  return `${entityKey(of)} ${of.lane} ${of.viewId || of.messageType || ""}`;
}

/** How fresh a series is as of the clock; `setMs` is the silence after which it is stale, if that is set. */
export function seriesAge(key: string, setMs?: number): SourceAge {
  const isOfView = key.includes(" ui ");
  return isOfView ? seriesTimes.at(key, cursorMs.peek(), setMs) : seriesTimes.atListing(key, cursorMs.peek(), setMs);
}

/** Connect the ages to the clock; called once. */
export function startEntityAges(): void {
  effect(() => {
    void user.value;
    untracked(forget);
  });
  effect(() => {
    void [jumps.value, timebase.value, isCoreKnown.value];
    untracked(invalidate);
  });
  recoveries.subscribe(askListing);
  presentListings.subscribe(applyPresent);
  streamedEvents.subscribe(applyEvents);
  scheduler.every(LISTING_INTERVAL_MS, askListing, { when: isListingDue, pausesWhenHidden: true });
  scheduler.every(NEWS_INTERVAL_MS, askNews, { when: areNewsDue, pausesWhenHidden: true });
  scheduler.every(BEAT_MS, beat, { pausesWhenHidden: true });
}

function isListingDue(): boolean {
  if (!isOpen() || state.value !== "PLAYING") return false;
  if (backwards.value || agesPending.value) return true;
  return Math.abs(cursorMs.value - seriesTimes.listedMs) >= LISTED_MS && hasUnstreamed();
}

function areNewsDue(): boolean {
  return isOpen() && state.value === "LIVE" && !agesPending.value && hasUnstreamed() && Date.now() >= newsNotBeforeMs;
}

/** List what lanes that are not streamed have sent since the last time. */
async function refreshNews(): Promise<void> {
  const [mine, atMs, durable] = [generation, cursorMs.value, status.value?.durableTime];
  if (durable == null) return;
  const after = newsAfter || fromMs(toMs(durable) - NEWS_OVERLAP_MS);
  const found = durable === newsAfter ? [] : await discoverAll(undefined, UNSTREAMED_LANES, undefined, after);
  newsNotBeforeMs = Date.now() + (1_000 * found.length) / NEWS_MAX_PER_S;
  if (mine !== generation) return;
  newsAfter = durable;
  mergeListing(found, atMs);
  if (found.some(isUnknown)) relistEntities().catch(() => undefined);
}

function isUnknown(entity: EntityInfo): boolean {
  return !listed.peek().has(entityKey(entity));
}

function forget(): void {
  entityTimes.clear();
  seriesTimes.clear();
  entityAges.value = null;
}

/** Until the reply the ages are of the moment before. */
function invalidate(): void {
  generation++;
  agesPending.value = true;
  entityTimes.reset();
  seriesTimes.reset();
  asked.clear();
  newsAfter = "";
  // The stream is requested first: events in between are in both replies rather than in neither.
  if (isOpen()) queueMicrotask(askListing);
}

/** List the sources as of the clock. */
async function refreshAges(): Promise<void> {
  const mine = generation;
  const atMs = cursorMs.value;
  // Forwards the stream continues the listing of the jump, for the lanes that it has.
  const isContinued = state.value === "PLAYING" && !backwards.value && !agesPending.value;
  const found = await discoverAll(state.value === "LIVE" ? undefined : cursor.value, isContinued ? UNSTREAMED_LANES : undefined);
  if (mine === generation) applyListing(found, atMs);
}

function applyPresent(found: readonly EntityInfo[]): void {
  if (!agesPending.value) applyListing(found);
}

function applyListing(found: readonly EntityInfo[], atMs = cursorMs.value): void {
  entityTimes.partlyStreamed = new Set(found.filter(isPartlyUnstreamed).map(entityKey));
  mergeListing(found, atMs);
}

function mergeListing(found: readonly EntityInfo[], atMs: number): void {
  entityTimes.listedMs = seriesTimes.listedMs = atMs;
  const ofEntities = new Map(found.map((entity) => [entityKey(entity), newestOf(entity)]));
  const ofSeries = new Map(
    found.flatMap((entity) => entity.series.map((one): [string, number] => [sourceKey({ ...entity, ...one }), toMs(one.lastTime)])),
  );
  const isReverse = state.value === "PLAYING" && backwards.value;
  entityTimes.merge(ofEntities, cursorMs.value, isReverse);
  seriesTimes.merge(ofSeries, cursorMs.value, isReverse);
  batch(() => {
    agesPending.value = false;
    isDirty = true;
    beat();
  });
  learnMore();
}

/** The newest event that an entity sent itself; of any lane if it sends none. */
function newestOf(entity: EntityInfo): number {
  const own = entity.series.filter(({ lane }) => TELEMETRY.has(lane));
  return Math.max(...(own.length === 0 ? entity.series : own).map(({ lastTime }) => toMs(lastTime)));
}

function applyEvents(events: readonly StoredEvent[]): void {
  const isReverse = state.value === "PLAYING" && backwards.value;
  const clockMs = cursorMs.value;
  for (const event of events) {
    if (!TELEMETRY.has(event.lane)) continue;
    const ms = toMs(eventTime(event, timebase.value));
    entityTimes.add(entityKey(event), ms, clockMs, isReverse);
    seriesTimes.add(sourceKey(event), ms, clockMs, isReverse);
    isDirty = true;
  }
}

/** Show the ages of this moment: of all sources at once, so that none is older than the clock that it is shown beside. */
function beat(): void {
  if (agesPending.value || (!isDirty && shownMs === cursorMs.value)) return;
  [isDirty, shownMs] = [false, cursorMs.value];
  batch(() => {
    agesAtMs.value = shownMs;
    entityAges.value = new EntityAges(shownMs);
    ageBeats.value++;
  });
}

function hasUnstreamed(): boolean {
  return (entities.value ?? []).some(isPartlyUnstreamed);
}

/** An entity that sends nothing itself is not silent. */
function ageOf(key: string, entity: EntityInfo, atMs: number): SourceAge {
  const found = isPartlyUnstreamed(entity) ? entityTimes.atListing(key, atMs) : entityTimes.at(key, atMs);
  const isMute = !entity.series.some(({ lane }) => TELEMETRY.has(lane));
  return isMute && found.freshness !== "unseen" ? { ...found, freshness: "none" } : found;
}

/** Read the intervals of silent sources from their past: what is slow by nature is not stale. */
async function learnSilent(): Promise<void> {
  const mine = generation;
  const doubtful = [...listed.value.keys()].flatMap(doubtfulAge);
  const chosen = new Map(doubtful.slice(0, LEARNT_AT_ONCE));
  for (const [key, age] of chosen) asked.set(key, seenMsOf(age));
  const wanted = (entities.value ?? []).filter((one) => chosen.has(entityKey(one)));
  await Promise.all(wanted.map(learnFromPast));
  if (wanted.length === 0) return;
  isDirty = true;
  beat();
  if (mine === generation && doubtful.length > LEARNT_AT_ONCE) learnMore();
}

function doubtfulAge(key: string): [string, SourceAge][] {
  const age = entityAges.value?.get(key);
  return age !== undefined && isDoubtful(key, age) ? [[key, age]] : [];
}

/** Whether it depends on the usual interval if a source is stale, and too few of its events are known for that. */
function isDoubtful(key: string, age: SourceAge): boolean {
  if (age.freshness !== "live" && age.freshness !== "stale") return false;
  const isClear = age.ageMs !== undefined && (age.ageMs <= STALE_MIN_MS || age.ageMs >= LEARNT_MAX_MS);
  return !isClear && asked.get(key) !== seenMsOf(age) && !entityTimes.isLearnt(key, shownMs);
}

/** To the ms, as ages are differences; without an age once. */
function seenMsOf({ ageMs }: SourceAge): number {
  return ageMs === undefined ? 0 : Math.round(shownMs - ageMs);
}

async function learnFromPast(entity: EntityInfo): Promise<void> {
  const mine = generation;
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const filters = { scopeIds: [scopeId], systemId, containerId, uniqueId, lanes: [...TELEMETRY] };
  const until = state.value === "LIVE" ? {} : { stopTime: cursor.value };
  const message = { type: "query", reverse: true, limit: LEARNT_EVENTS * entity.series.length, timelineMode: "REPLAY", ...until } as const;
  const reply = await request({ ...message, timebase: timebase.value, filters }, "queryResponse");
  if (mine !== generation) return;
  const bySource = new Map<string, number[]>([[entityKey(entity), []]]);
  for (const event of reply.events as StoredEvent[]) {
    const ms = toMs(eventTime(event, timebase.value));
    const key = sourceKey(event);
    bySource.set(key, [...(bySource.get(key) ?? []), ms]);
    bySource.get(entityKey(entity))?.push(ms);
  }
  for (const [key, times] of bySource) (key === entityKey(entity) ? entityTimes : seriesTimes).learn(key, times, reply.nextKey == null);
}

function isOpen(): boolean {
  return isCoreKnown.value;
}
