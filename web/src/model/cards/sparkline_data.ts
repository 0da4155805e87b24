/** The data of the sparklines of the cards in sight, over the visible span. */

import { type Signal, signal } from "@preact/signals";
import type { SeriesName } from "../../api/series";
import { state, timebase } from "../clock/clock";
import { aboutOf, type Sampled, sampleFields } from "../plots/sampled";
import { appendEvents, BEHIND_INTERVAL_MS } from "../plots/sampling";
import { connection } from "../session/session";
import { stillCovers } from "../timeline/prefetch";
import { visible } from "../timeline/span";
import type { StoredEvent } from "../values/event";
import { type Card, cardSparklineKeys } from "./card";
import { cards, isForwards } from "./cards";
import { isUpdate, viewKey } from "./ui_state";

const SPARKLINE_BUCKETS = 96;
/** Most requests in flight. */
const AT_ONCE = 4;
/** In LIVE, streamed values are appended, and all samples are requested again at this interval. */
const LIVE_INTERVAL_MS = 10_000;
const FAILED_INTERVAL_MS = 3_000;

const sparklines = new Map<string, Signal<Sampled | undefined>>();
/** The cards that are visible on the screen. */
const inSight = new Set<string>();
const busy = new Set<string>();
const failed = new Map<string, number>();

/** The samples of a card; undefined while they are pending. */
export function sparklineDataOf(id: string): Signal<Sampled | undefined> {
  let found = sparklines.get(id);
  if (found === undefined) sparklines.set(id, (found = signal(undefined)));
  return found;
}

/** Called when a card becomes visible or invisible. */
export function setInSight(id: string, isSeen: boolean): void {
  if (isSeen) inSight.add(id);
  else inSight.delete(id);
  if (isSeen) requestSparklines();
}

/** Request missing or old samples of the visible cards, a few at a time. */
export function requestSparklines(): void {
  if (connection.value !== "open") return;
  for (const id of inSight) {
    if (busy.size >= AT_ONCE) return;
    const card = cards.value.get(id)?.value;
    if (card !== undefined && !busy.has(id) && isDue(id, card)) requestSparkline(id, card);
  }
}

function isDue(id: string, card: Card): boolean {
  const keys = cardSparklineKeys(card);
  if (keys.length === 0 || Date.now() - (failed.get(id) ?? 0) < FAILED_INTERVAL_MS) return false;
  const known = sparklines.get(id)?.value;
  if (known === undefined || known.about !== aboutOf(cardSeries(card), keys, SPARKLINE_BUCKETS)) return true;
  if (!stillCovers(known.span, visible.value)) return true;
  if (known.buckets.isBehind === true && Date.now() - known.askedMs > BEHIND_INTERVAL_MS) return true;
  return state.value === "LIVE" && Date.now() - known.askedMs > LIVE_INTERVAL_MS;
}

function requestSparkline(id: string, card: Card): void {
  busy.add(id);
  const found = sparklineDataOf(id);
  sampleFields(cardSeries(card), [...cardSparklineKeys(card)], visible.value, SPARKLINE_BUCKETS, () => found.value)
    .then((next) => {
      failed.delete(id);
      found.value = next;
    })
    .catch(() => failed.set(id, Date.now()))
    .finally(() => {
      busy.delete(id);
      requestSparklines();
    });
}

/** The series of a card's updates. */
export function cardSeries({ view }: Card): SeriesName {
  const { scopeId, systemId, containerId, uniqueId, viewId } = view;
  return { scopeId, systemId, containerId, uniqueId, viewId, lane: "ui", messageType: "UiUpdate" };
}

/** Replies are to be had again: those that failed are requested at once. */
export function retrySparklines(): void {
  failed.clear();
  requestSparklines();
}

/** Append streamed updates of the visible cards. */
export function appendSparklines(events: readonly StoredEvent[]): void {
  if (!isForwards() || inSight.size === 0) return;
  const byView = new Map<string, StoredEvent[]>();
  for (const event of events) {
    if (!isUpdate(event)) continue;
    const id = viewKey(event);
    if (inSight.has(id)) byView.set(id, [...(byView.get(id) ?? []), event]);
  }
  for (const [id, some] of byView) {
    const known = sparklines.get(id);
    const trend = known?.value;
    if (known === undefined || trend === undefined) continue;
    if (appendEvents(trend.buckets, trend.sampledUntil, some, timebase.value)) known.value = { ...trend };
  }
}

/** Clear all when the user changes. */
export function clearSparklines(): void {
  sparklines.clear();
  failed.clear();
}
