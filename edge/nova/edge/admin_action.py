"""Admin actions: what was changed, on whom, and from what to what."""

from __future__ import annotations

import sqlite3

from nova.edge import audit_queue
from nova.edge.actor import Actor
from nova.sdk.field_types import JsonObject


def record_action(
    db: sqlite3.Connection,
    by: Actor | None,
    action: str,
    target: str,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
) -> None:
    """Append an action in the transaction of the change. `before` and `after` are members of the
    target, None if it did not exist; of those that are in both, the changed ones are recorded.
    Without an actor nothing is: the instance itself adds its first user.
    """
    if by is None:
        return
    details: JsonObject = {"action": action, "target": target}
    if before is not None and after is not None:
        changed = [name for name in before if before[name] != after[name]]
        before = {name: before[name] for name in changed}
        after = {name: after[name] for name in changed}
    if before is not None:
        details["before"] = before
    if after is not None:
        details["after"] = after
    audit_queue.append(db, "AdminAction", by, details)
