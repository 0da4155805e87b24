/** Fits all data of an entity into view; the clock stays. */

import type { Filters } from "../../api/protocol";
import { timebase } from "../clock/clock";
import { entityName } from "../entities/entity_names";
import { selectedEntity, selectEntity } from "../entities/entities";
import { showToast } from "../page/toast";
import { request } from "../session/session";
import { type Entity, entityKey } from "../values/event";
import { fromFineMs, toFineMs } from "../values/time";
import { setVisible, type Span, TIME_MAX_MS, TIME_MIN_MS, withMargin } from "./span";

const TELEMETRY: Filters = { lanes: ["ui", "parsed", "raw"] };

/** Select an entity, and show its first to its last telemetry, or all its events if it has none. */
export async function fitEntity(entity: Entity): Promise<void> {
  const [base, key] = [timebase.value, entityKey(entity)];
  const { scopeId, systemId, containerId, uniqueId } = entity;
  selectEntity({ scopeId, systemId, containerId, uniqueId });
  try {
    const span = (await entitySpan(entity, TELEMETRY)) ?? (await entitySpan(entity, {}));
    // Another one was chosen meanwhile, or the other clock.
    if (base !== timebase.value || selectedEntity.value === null || entityKey(selectedEntity.value) !== key) return;
    if (span === null) showToast(`${entityName(entity)} has no events with a time.`);
    else setVisible(withMargin(span.startMs, span.stopMs));
  } catch (error) {
    showToast(`The data of ${entityName(entity)} could not be found: ${(error as Error).message}`);
  }
}

export async function fitSelectedEntity(): Promise<void> {
  const entity = selectedEntity.value;
  if (entity === null) showToast("Select an entity first, in the tree or by Ctrl K.");
  else await fitEntity(entity);
}

async function entitySpan({ scopeId, systemId, containerId, uniqueId }: Entity, narrow: Filters): Promise<Span | null> {
  const filters = { ...narrow, scopeIds: [scopeId], systemId, containerId, uniqueId };
  const ask = (direction: "next" | "previous", ms: number) =>
    request({ type: "neighbour", time: fromFineMs(ms), direction, timebase: timebase.value, filters }, "neighbourResponse");
  const [first, last] = await Promise.all([ask("next", TIME_MIN_MS), ask("previous", TIME_MAX_MS)]);
  return first.time == null || last.time == null ? null : { startMs: toFineMs(first.time), stopMs: toFineMs(last.time) };
}
