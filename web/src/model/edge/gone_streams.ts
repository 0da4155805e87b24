/**
 * Which streams have gone that are in use on this page: their cards are shown, or they follow its timeline. Who
 * deletes one here knows it.
 */

import { effect, signal, untracked } from "@preact/signals";
import { shownCards } from "../cards/card_list";
import { edgeCards } from "./edge_cards";
import { edgeEntities, wasDeletedHere } from "./edge_entities";
import { lostTies } from "./ties";

export interface GoneStream {
  readonly streamId: string;
  readonly name: string;
}

/** A stream of the list, and whether the page uses it. */
interface Listed extends GoneStream {
  readonly isUsed: boolean;
}

export const goneStreams = signal<readonly GoneStream[]>([]);

let before: readonly Listed[] = [];

/** Compare each list of the edge with the one before; called once. */
export function startGoneStreams(): void {
  effect(() => {
    const now = listedNow();
    untracked(() => compare(now));
  });
}

/** Say no more that a stream has gone. */
export function dismissGone(streamId: string): void {
  goneStreams.value = goneStreams.value.filter((one) => one.streamId !== streamId);
}

function listedNow(): readonly Listed[] {
  const shown = new Set(shownCards.value.map(({ id }) => id));
  const lost = new Set(lostTies.value.map(({ streamId }) => streamId));
  return [...edgeCards.value].flatMap(([id, { data }]) => {
    if (!("streamId" in data)) return [];
    const { streamId, definition, tiedHere } = data;
    return [{ streamId, name: definition.name, isUsed: shown.has(id) || lost.has(streamId) || tiedHere === true }];
  });
}

/** Without any entity, nothing has gone: the user changes. */
function compare(now: readonly Listed[]): void {
  const listed = new Set(now.map(({ streamId }) => streamId));
  const gone = before.filter(({ streamId, isUsed }) => isUsed && !listed.has(streamId) && !wasDeletedHere(streamId));
  before = now;
  if (edgeEntities.value.length === 0) goneStreams.value = [];
  else if (gone.length > 0 || goneStreams.value.some(({ streamId }) => listed.has(streamId)))
    goneStreams.value = [...goneStreams.value.filter(({ streamId }) => !listed.has(streamId)), ...gone];
}
