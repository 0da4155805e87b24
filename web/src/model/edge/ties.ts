/**
 * Which streams follow this page's timeline. A tie ends with the connection, and with another page's tie, so
 * the page remembers its ties for as long as the tab lives, and says when one is lost.
 */

import { signal } from "@preact/signals";
import type { StreamsResponse } from "../../api/protocol";

type Stream = StreamsResponse["streams"][number];

export interface LostTie {
  readonly streamId: string;
  readonly name: string;
  /** What the stream does now, as the end of a sentence. */
  readonly now: string;
  /** Whether it can be tied again at once. */
  readonly canTie: boolean;
}

const STORED = "nova.ties";

export const lostTies = signal<readonly LostTie[]>([]);

let tied: ReadonlySet<string> | undefined;
let lost: ReadonlySet<string> = new Set();

/** Compare the ties of this page with what the edge says. */
export function noteTies(streams: readonly Stream[]): void {
  const here = new Set(streams.flatMap(({ streamId, tiedHere }) => (tiedHere === true ? [streamId] : [])));
  const listed = new Set(streams.map(({ streamId }) => streamId));
  const remembered = tied ?? load();
  lost = new Set([...lost, ...remembered].filter((id) => listed.has(id) && !here.has(id)));
  save(here);
  lostTies.value = streams.flatMap((stream) => (lost.has(stream.streamId) ? [lostTieOf(stream)] : []));
}

/** The user has tied or untied a stream here: that is no loss. */
export function setTie(streamId: string, isTied: boolean): void {
  const next = new Set(tied ?? load());
  if (isTied) next.add(streamId);
  else next.delete(streamId);
  save(next);
  dismissTie(streamId);
}

/** Say no more that a tie is lost. */
export function dismissTie(streamId: string): void {
  lost = new Set([...lost].filter((id) => id !== streamId));
  lostTies.value = lostTies.value.filter((one) => one.streamId !== streamId);
}

/** Forget all ties when the user changes. */
export function forgetTies(): void {
  lost = new Set();
  lostTies.value = [];
  save(new Set());
}

function lostTieOf({ streamId, definition, enabled, listening, tiedBy }: Stream): LostTie {
  const now = !enabled || listening !== true ? "is stopped" : tiedBy == null ? "follows the present" : `follows the timeline of ${tiedBy}`;
  return { streamId, name: definition.name, now, canTie: listening === true };
}

function load(): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(STORED) ?? "[]") as string[]);
  } catch {
    return new Set();
  }
}

function save(next: ReadonlySet<string>): void {
  const isSame = tied !== undefined && tied.size === next.size && [...next].every((id) => tied?.has(id));
  tied = next;
  if (isSame) return;
  try {
    sessionStorage.setItem(STORED, JSON.stringify([...next]));
  } catch {
    // Without storage a reload does not say that a tie is lost.
  }
}
