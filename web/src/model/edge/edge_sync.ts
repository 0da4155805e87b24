/** Keeps the edge's entities up to date. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { isResting } from "../clock/rest";
import { singleFlight } from "../page/single_flight";
import { connection, user } from "../session/session";
import { clearEdgeManifests, refreshEdgeManifests } from "./edge_cards";
import { openEdgeCard } from "../cards/card_list";
import { clearEdgeEntities, edgeEntities, refreshEdgeEntities } from "./edge_entities";
import { startGoneStreams } from "./gone_streams";
import { forgetTies } from "./ties";

const INTERVAL_MS = 1_000;
/** The entity by which streams are created. */
const SETUP_ENTITIES = 1;
/** Cards of streams are of the present wherever the clock is, so where there are some they rest less than the page. */
const REST_INTERVAL_MS = 3_000;

const refresh = singleFlight(async () => {
  await refreshEdgeEntities();
  await refreshEdgeManifests();
});

let isStarted = false;
let owner: string | null = null;

/** Start; called once. */
export function startEdgeSync(): void {
  if (isStarted) return;
  isStarted = true;
  startGoneStreams();
  effect(() => {
    const current = user.value;
    untracked(() => changeUser(current));
  });
  effect(() => {
    if (isOpen()) queueMicrotask(refresh);
  });
  const isWanted = () => isOpen() && (!isResting() || openEdgeCard.value !== null || edgeEntities.value.length > SETUP_ENTITIES);
  scheduler.every(INTERVAL_MS, refresh, { when: isWanted, rest: { isResting, intervalMs: REST_INTERVAL_MS } });
}

/** Another user sees other streams, and has made none of the ties. */
function changeUser(current: string | null): void {
  if (owner !== null && current !== owner) forgetTies();
  owner = current;
  clearEdgeEntities();
  clearEdgeManifests();
}

function isOpen(): boolean {
  return connection.value === "open" && user.value !== null;
}
