/** Which audit events were imported, and by whom: by their content they look like recorded ones. */

import { signal } from "@preact/signals";
import type { Query, QueryResponse } from "../../api/protocol";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";

/** The entity of a principal's deeds: `nova`/`audit`/principal. */
export const AUDIT_ENTITY = { systemId: "nova", containerId: "audit" } as const;
const PAGE_EVENTS = 200;

/** The event of an import: it names what was new. */
interface ImportEvent extends StoredEvent {
  readonly payload?: { readonly principal?: unknown; readonly eventIds?: unknown };
}

/** The principal of the import, by eventId. */
export const importedBy = signal<ReadonlyMap<string, string>>(new Map());
/** The receive time of the newest import that is loaded. */
let newest: string | undefined;

/** Forget the imports, because the session has ended. */
export function clearImports(): void {
  [importedBy.value, newest] = [new Map(), undefined];
}

/** Load the imports since the last call; throws if they cannot be read. */
export async function loadImports(): Promise<void> {
  const found = new Map(importedBy.value);
  let afterKey: string | null = null;
  let last = newest;
  do {
    const reply: QueryResponse = await request(importsQuery(newest, afterKey), "queryResponse");
    for (const event of reply.events as ImportEvent[]) {
      const { principal, eventIds } = event.payload ?? {};
      if (Array.isArray(eventIds)) for (const id of eventIds) found.set(String(id), String(principal));
      last = event.canonicalTruthTime;
    }
    afterKey = reply.nextKey ?? null;
  } while (afterKey !== null);
  [importedBy.value, newest] = [found, last];
}

function importsQuery(startTime: string | undefined, afterKey: string | null): Query {
  return {
    type: "query",
    timebase: "canonical",
    limit: PAGE_EVENTS,
    filters: { ...AUDIT_ENTITY, messageTypes: ["EventsImported"] },
    ...(startTime === undefined ? {} : { startTime }),
    ...(afterKey === null ? {} : { afterKey }),
  };
}
