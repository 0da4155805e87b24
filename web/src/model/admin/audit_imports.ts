/** Which audit events were imported, and by whom: by their content they look like recorded ones. */

import { signal } from "@preact/signals";
import type { Query, QueryResponse } from "../../api/protocol";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";

const PAGE_EVENTS = 200;

/** The event of an import: it names what was new. */
interface ImportEvent extends StoredEvent {
  readonly payload?: { readonly principal?: unknown; readonly eventIds?: unknown };
}

/** The principal of the import, by eventId. */
export const importedBy = signal<ReadonlyMap<string, string>>(new Map());

/** Load all imports; throws if they cannot be read. */
export async function loadImports(): Promise<void> {
  const found = new Map<string, string>();
  let afterKey: string | null = null;
  do {
    const reply: QueryResponse = await request(importsQuery(afterKey), "queryResponse");
    for (const event of reply.events as ImportEvent[]) {
      const { principal, eventIds } = event.payload ?? {};
      if (Array.isArray(eventIds)) for (const id of eventIds) found.set(String(id), String(principal));
    }
    afterKey = reply.nextKey ?? null;
  } while (afterKey !== null);
  importedBy.value = found;
}

function importsQuery(afterKey: string | null): Query {
  return {
    type: "query",
    timebase: "canonical",
    limit: PAGE_EVENTS,
    filters: { systemId: "nova", containerId: "audit", messageTypes: ["EventsImported"] },
    ...(afterKey === null ? {} : { afterKey }),
  };
}
