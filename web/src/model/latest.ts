/** Latest values of the chosen entity: asked for at the cursor, and kept up to date by the stream. */

import { signal } from "@preact/signals";
import { entityKey, seriesKey, type StoredEvent, timeOf } from "./event";
import { selected } from "./entities";
import { request } from "./session";
import { backwards, cursor, state, timebase } from "./timeline";
import { compareTimes } from "./time";

/** The newest event of each series, in the order in which the server first named them. */
export const latest = signal<ReadonlyMap<string, StoredEvent>>(new Map());

let asked = 0;

/** Ask for the values at the cursor (now, in LIVE); an answer that was overtaken is dropped. */
export async function refreshLatest(): Promise<void> {
  const entity = selected.value;
  if (entity === null) return;
  const mine = ++asked;
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const reply = await request(
    {
      type: "latest",
      timebase: timebase.value,
      filters: { scopeIds: [scopeId], systemId, containerId, uniqueId },
      ...(state.value === "LIVE" ? {} : { time: cursor.value }),
    },
    "latestResponse",
  );
  if (mine !== asked || selected.value !== entity) return;
  const found = new Map<string, StoredEvent>();
  const events = reply.events as StoredEvent[];
  for (const key of [...latest.value.keys(), ...events.map(seriesKey)]) {
    const event = events.find((one) => seriesKey(one) === key);
    if (event !== undefined) found.set(key, keepNewer(key, event));
  }
  latest.value = found;
}

/** While time runs forwards an answer that was overtaken by the stream must not move a value back. */
function keepNewer(key: string, event: StoredEvent): StoredEvent {
  const known = latest.value.get(key);
  if (known === undefined || !streaming() || entityKey(known) !== entityKey(event)) return event;
  return older(event, known) ? known : event;
}

/** Take in streamed events; late ones never move a value backwards. */
export function applyLatest(events: StoredEvent[]): void {
  if (!streaming() || selected.value === null) return;
  const wanted = entityKey(selected.value);
  let next: Map<string, StoredEvent> | undefined;
  for (const event of events) {
    if (entityKey(event) !== wanted) continue;
    const key = seriesKey(event);
    const known = (next ?? latest.value).get(key);
    if (known !== undefined && older(event, known)) continue;
    next ??= new Map(latest.value);
    next.set(key, event);
  }
  if (next !== undefined) latest.value = next;
}

/** Forget what is shown, when the entity or the moment is another. */
export function forgetLatest(): void {
  asked++;
  latest.value = new Map();
}

function streaming(): boolean {
  return state.value === "LIVE" || (state.value === "PLAYING" && !backwards.value);
}

function older(event: StoredEvent, than: StoredEvent): boolean {
  return compareTimes(timeOf(event, timebase.value), timeOf(than, timebase.value)) < 0;
}
