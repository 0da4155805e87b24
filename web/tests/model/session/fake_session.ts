/** A session for tests of the model: connected, as an operator; the test answers its requests. */

import { signal } from "@preact/signals";
import { Emitter } from "../../../src/emitter";

/** The mocked session; `own` overrides its members. */
export function sessionOf<Own extends { request: unknown }>(own: Own) {
  return {
    connection: signal("open"),
    isCoreKnown: signal(true),
    coreUnavailable: signal(false),
    unansweredS: signal(0),
    absence: signal(""),
    recoveries: new Emitter<[]>(),
    checkAnswers: () => undefined,
    ANSWER_CHECK_INTERVAL_MS: 250,
    user: signal("ann"),
    role: signal("operator"),
    notice: signal(""),
    status: signal(null),
    defaultView: signal(null),
    reconnect: () => undefined,
    ...own,
  };
}
