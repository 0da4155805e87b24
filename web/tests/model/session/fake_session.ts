/** A session for tests of the model: connected, an operator's, whose way out is the test's. */

import { signal } from "@preact/signals";

/** What stands for the session; `own` is what the test answers by. */
export function sessionOf<Own extends { request: unknown }>(own: Own) {
  return {
    connection: signal("open"),
    coreUnavailable: signal(false),
    user: signal("ann"),
    role: signal("operator"),
    notice: signal(""),
    status: signal(null),
    defaultView: signal(null),
    reconnect: () => undefined,
    ...own,
  };
}
