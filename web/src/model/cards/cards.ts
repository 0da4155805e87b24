/**
 * All cards as of the clock: queried at each jump, and updated from the stream while time runs forwards, and from
 * what was read ahead while it runs backwards.
 */

import { batch, computed, type Signal, signal } from "@preact/signals";
import { backwards, cursor, state, timebase } from "../clock/clock";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";
import { normalTime } from "../values/event_order";
import { type Card, cardOf, cardWithUpdates } from "./card";
import { manifestOf, manifests } from "./manifests";
import {
  type AnsweredState,
  foldUpdates,
  isDoubtful,
  isUpdate,
  markComplete,
  mergeAnswer,
  stateOfAnswer,
  viewKey,
  type ViewState,
} from "./ui_state";

const PAGE_STATES = 1_000;

/** A signal for each card, so that an update redraws one card only. */
export const cards = signal<ReadonlyMap<string, Signal<Card>>>(new Map());
/** Whether the states at the clock's time are being queried. */
export const statesPending = signal(true);
/** Whether states of the first reply are shown, and there are more to come. */
const isListing = signal(false);
/** Whether a view may have a state that is not shown. */
export const moreStatesPending = computed(() => statesPending.value || isListing.value);
/** Why there are no states; empty if there are some. */
export const statesError = signal("");
/** The time that the cards show, in normal form; undefined is the present. Backwards it follows the clock. */
export const statesTime = signal<string | undefined>(undefined);
/** Incremented when the states have to be queried again. */
export const stateDoubts = signal(0);

/** Incremented by every jump; replies of an older generation are dropped. */
let generation = 0;
/** Updates that were streamed before the reply that they continue. */
let earlyStates = new Map<string, ViewState>();

/** The clock has jumped: shown states stay until the reply replaces them. */
export function invalidateStates(): void {
  generation++;
  earlyStates = new Map();
  statesPending.value = true;
  isListing.value = false;
}

/** Clear all cards when the user changes. */
export function clearCards(): void {
  invalidateStates();
  cards.value = new Map();
}

/** Whether time runs forwards, so that streamed updates continue the shown state. */
export function isForwards(): boolean {
  return state.value === "LIVE" || (state.value === "PLAYING" && !backwards.value);
}

/** Query all states at the clock; a reply that is older than the last jump is dropped. */
export async function refreshStates(): Promise<void> {
  const mine = generation;
  const time = state.value === "LIVE" ? undefined : cursor.value;
  try {
    const found = await allStates(time, (page) => {
      if (mine === generation) showPage(page.map(stateOfAnswer), time);
    });
    if (mine !== generation) return;
    statesError.value = "";
    batch(() => applyAnswer(found.map(stateOfAnswer), time));
  } catch (error) {
    if (mine === generation) statesError.value = (error as Error).message;
    throw error;
  }
}

/** Show states that were read ahead of a clock that moves backwards, and no reply that was asked for before. Those that
 * are undefined have not begun; `isAll` if there are no others. */
export function showStates(states: ReadonlyMap<string, ViewState | undefined>, time: string, isAll: boolean): void {
  generation++;
  const next = new Map<string, Card>();
  if (!isAll) for (const [id, one] of cards.peek()) next.set(id, one.peek());
  for (const [id, view] of states) {
    if (view === undefined) next.delete(id);
    else next.set(id, cardOf(view, manifestOf(manifests.peek(), view)));
  }
  batch(() => {
    [statesTime.value, statesPending.value, isListing.value] = [time, false, false];
    if (isAll || states.size > 0) showCards(next);
  });
}

/** All pages of the states as of a time; `onPage` gets each as it comes. */
export async function allStates(time: string | undefined, onPage?: (page: AnsweredState[]) => void): Promise<AnsweredState[]> {
  const found: AnsweredState[] = [];
  let afterKey: string | undefined;
  do {
    const reply = await request(
      {
        type: "getUiState",
        timebase: timebase.value,
        limit: PAGE_STATES,
        updates: false,
        ...(time === undefined ? {} : { time }),
        ...(afterKey === undefined ? {} : { afterKey }),
      },
      "uiStateResponse",
    );
    const page = reply.states as AnsweredState[];
    found.push(...page);
    if (reply.nextKey != null) onPage?.(page);
    afterKey = reply.nextKey ?? undefined;
  } while (afterKey !== undefined);
  return found;
}

/** While nothing is shown yet, each page is, and goes on by the stream; else the states of before are, until all are known. */
function showPage(page: readonly ViewState[], time: string | undefined): void {
  if (!isListing.peek() && cards.peek().size > 0) return;
  const next = new Map([...cards.peek()].map(([id, card]) => [id, card.peek()]));
  for (const answer of page) {
    const id = viewKey(answer);
    const view = mergeAnswer(earlyStates.get(id), answer);
    next.set(id, cardOf(view, manifestOf(manifests.peek(), view)));
    earlyStates.delete(id);
  }
  batch(() => {
    statesTime.value = time === undefined ? undefined : normalTime(time);
    [isListing.value, statesPending.value] = [true, false];
    showCards(next);
  });
}

function applyAnswer(found: readonly ViewState[], time: string | undefined): void {
  const goesOn = !statesPending.value && isForwards();
  const until = time === undefined ? undefined : normalTime(time);
  const next = new Map<string, Card>();
  if (goesOn) for (const [id, card] of cards.value) next.set(id, card.value);
  for (const answer of found) {
    const id = viewKey(answer);
    const view = mergeAnswer((goesOn ? cards.value.get(id)?.value.view : undefined) ?? earlyStates.get(id), answer);
    next.set(id, cardOf(view, manifestOf(manifests.value, view)));
    earlyStates.delete(id);
  }
  for (const [id, view] of earlyStates) next.set(id, cardOf(markComplete(view), manifestOf(manifests.value, view)));
  earlyStates = new Map();
  statesTime.value = until;
  [isListing.value, statesPending.value] = [false, false];
  showCards(next);
}

function showCards(next: ReadonlyMap<string, Card>): void {
  const known = cards.value;
  let isOther = known.size !== next.size;
  const shown = new Map<string, Signal<Card>>();
  for (const [id, card] of next) {
    const one = known.get(id) ?? signal(card);
    isOther ||= !known.has(id);
    one.value = card;
    shown.set(id, one);
  }
  if (isOther) cards.value = shown;
  checkCards(next.values());
}

/** Signal that the states have to be queried again. */
function checkCards(all: Iterable<Card>): void {
  for (const card of all) {
    if (!isDoubtful(card.view)) continue;
    stateDoubts.value++;
    return;
  }
}

/** Apply streamed events, in any order. */
export function applyUpdates(events: readonly StoredEvent[]): void {
  if (!isForwards()) return;
  const byView = new Map<string, StoredEvent[]>();
  for (const event of events) {
    if (!isUpdate(event)) continue;
    const id = viewKey(event);
    const some = byView.get(id);
    if (some === undefined) byView.set(id, [event]);
    else some.push(event);
  }
  if (statesPending.value) applyEarly(byView);
  else if (byView.size > 0) batch(() => applyByView(byView));
}

function applyEarly(byView: ReadonlyMap<string, StoredEvent[]>): void {
  for (const [id, some] of byView) keepEarly(id, some);
}

function keepEarly(id: string, some: readonly StoredEvent[]): void {
  earlyStates.set(id, foldUpdates(earlyStates.get(id), some, timebase.value));
}

function applyByView(byView: ReadonlyMap<string, StoredEvent[]>): void {
  const find = (view: ViewState) => manifestOf(manifests.value, view);
  const added = new Map<string, Signal<Card>>();
  const changed: Card[] = [];
  for (const [id, some] of byView) {
    const known = cards.value.get(id);
    if (known === undefined && isListing.value) {
      keepEarly(id, some);
      continue;
    }
    const card = known === undefined ? newCard(some) : cardWithUpdates(known.value, some, timebase.value, find);
    if (known === undefined) added.set(id, signal(card));
    else known.value = card;
    changed.push(card);
  }
  statesTime.value = state.value === "LIVE" ? undefined : normalTime(cursor.value);
  if (added.size > 0) cards.value = new Map([...cards.value, ...added]);
  checkCards(changed);
}

/** The card of a new view. It was not in the server's reply, so nothing came before. */
function newCard([first, ...rest]: readonly StoredEvent[]): Card {
  const find = (view: ViewState) => manifestOf(manifests.value, view);
  const view = markComplete(foldUpdates(undefined, [first as StoredEvent], timebase.value));
  return cardWithUpdates(cardOf(view, find(view)), rest, timebase.value, find);
}

/** Rebuild the cards whose manifest has changed. */
export function reapplyManifests(): void {
  batch(() => {
    for (const one of cards.value.values()) {
      const { view, manifest } = one.value;
      const found = manifestOf(manifests.value, view);
      if (found !== manifest) one.value = cardOf(view, found);
    }
  });
  checkCards([...cards.value.values()].map((one) => one.value));
}

/** The stream dropped updates: query the states. */
export function invalidateCards(): void {
  stateDoubts.value++;
}
