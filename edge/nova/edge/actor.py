"""Actors: who does something that is recorded for audit."""

from __future__ import annotations

import os
from typing import NamedTuple

from nova.edge.access import Access
from nova.sdk import unix_user
from nova.sdk.events.audit_entry import UNKNOWN, ActorKind


class Actor(NamedTuple):
    """A principal of the audit trail: a user or an API key of the edge, a Unix user of this
    machine, or the instance itself.
    """

    name: str
    kind: ActorKind


INSTANCE = Actor("nova", "instance")
NOBODY = Actor(UNKNOWN, "user")
"""Whoever failed to log in."""

RESERVED_NAMES = frozenset((INSTANCE.name, NOBODY.name))
"""Names that no user or key may have: their entries would be those of these two."""


def actor_of(access: Access) -> Actor:
    return Actor(access.name, access.kind)


def local_actor() -> Actor:
    """The Unix user of this process, for commands on the machine itself."""
    return Actor(unix_user.name_of(os.getuid()), "local")
