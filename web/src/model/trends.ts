/** What the sparklines draw: the drawn keys of the cards that are in sight, over the visible span. */

import { type Signal, signal } from "@preact/signals";
import type { SeriesName } from "../api/sampling";
import { type Card, drawnKeys } from "./card";
import { cards, isForwards } from "./cards";
import type { StoredEvent } from "./event";
import { covers, roomy } from "./room";
import { append, askBuckets, type Buckets, lastFilled } from "./sampling";
import { connection } from "./session";
import { type Span, visible } from "./span";
import { state, timebase, type Timebase } from "./timeline";
import { isUpdate, viewKey } from "./ui_state";

/** What is known of the past of one card. */
export interface Trend {
  buckets: Buckets;
  /** The last bucket that the server has sampled. */
  sampledUntil: number;
  span: Span;
  timebase: Timebase;
  keys: string;
  askedMs: number;
}

const BUCKETS = 96;
/** So many cards are asked for at once. */
const AT_ONCE = 4;
/** LIVE what is streamed is appended, and now and then all is asked anew. */
const LIVE_INTERVAL_MS = 10_000;
const FAILED_INTERVAL_MS = 3_000;

const trends = new Map<string, Signal<Trend | undefined>>();
/** The cards that are in sight. */
const inSight = new Set<string>();
const busy = new Set<string>();
const failed = new Map<string, number>();

/** The past of a card; undefined while it is awaited. */
export function trendOf(id: string): Signal<Trend | undefined> {
  let found = trends.get(id);
  if (found === undefined) trends.set(id, (found = signal(undefined)));
  return found;
}

/** A card has come into sight, or gone out of it. */
export function noteSight(id: string, isSeen: boolean): void {
  if (isSeen) inSight.add(id);
  else inSight.delete(id);
  if (isSeen) tendTrends();
}

/** Ask for what is missing or old of the cards in sight, a few at a time. */
export function tendTrends(): void {
  if (connection.value !== "open") return;
  for (const id of inSight) {
    if (busy.size >= AT_ONCE) return;
    const card = cards.value.get(id)?.value;
    if (card !== undefined && !busy.has(id) && isDue(id, card)) ask(id, card);
  }
}

function isDue(id: string, card: Card): boolean {
  const keys = drawnKeys(card).join(" ");
  if (keys === "" || Date.now() - (failed.get(id) ?? 0) < FAILED_INTERVAL_MS) return false;
  const known = trends.get(id)?.value;
  if (known === undefined || known.timebase !== timebase.value || known.keys !== keys) return true;
  if (!covers(known.span, visible.value)) return true;
  return state.value === "LIVE" && Date.now() - known.askedMs > LIVE_INTERVAL_MS;
}

function ask(id: string, card: Card): void {
  busy.add(id);
  const [span, base, keys] = [roomy(visible.value), timebase.value, drawnKeys(card)];
  askBuckets(seriesOf(card), [...keys], span, BUCKETS)
    .then((buckets) => {
      failed.delete(id);
      const about = { span, timebase: base, keys: keys.join(" "), askedMs: Date.now() };
      trendOf(id).value = { buckets, sampledUntil: lastFilled(buckets), ...about };
    })
    .catch(() => failed.set(id, Date.now()))
    .finally(() => {
      busy.delete(id);
      tendTrends();
    });
}

function seriesOf({ view }: Card): SeriesName {
  const { scopeId, systemId, containerId, uniqueId, viewId } = view;
  return { scopeId, systemId, containerId, uniqueId, viewId, lane: "ui", messageType: "UiUpdate" };
}

/** Take in streamed updates of the cards in sight. */
export function appendTrends(events: readonly StoredEvent[]): void {
  if (!isForwards() || inSight.size === 0) return;
  const byView = new Map<string, StoredEvent[]>();
  for (const event of events) {
    if (!isUpdate(event)) continue;
    const id = viewKey(event);
    if (inSight.has(id)) byView.set(id, [...(byView.get(id) ?? []), event]);
  }
  for (const [id, some] of byView) {
    const known = trends.get(id);
    const trend = known?.value;
    if (known === undefined || trend === undefined) continue;
    if (append(trend.buckets, trend.sampledUntil, some, timebase.value)) known.value = { ...trend };
  }
}

/** Forget all: another user. */
export function forgetTrends(): void {
  trends.clear();
  failed.clear();
}
