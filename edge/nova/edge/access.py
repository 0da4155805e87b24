"""Access: a principal that the edge has admitted, by an access token or by an API key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nova.sdk.field_types import Lane
from nova.sdk.protocol.submission import Role

PrincipalKind = Literal["user", "key"]


@dataclass(frozen=True, slots=True)
class Access:
    """An admitted principal and how far it may go.

    `name` is a username or the name of a key. `scopes` and `lanes` are those that it may see and
    command, None for all. `expires` is in seconds since 1970, infinite for a key without an end.
    `version` and `user_id` are those of the user, and `session` the id of the login; all are empty
    for a key, which has `key_id` instead. A name may mean another user or key later, ids never do.
    `must_change`: nothing is allowed but to change the password.
    """

    name: str
    kind: PrincipalKind
    role: Role
    expires: float
    scopes: tuple[str, ...] | None = None
    lanes: tuple[Lane, ...] | None = None
    version: int = 0
    user_id: str = ""
    session: str = ""
    must_change: bool = False
    key_id: str = ""

    @property
    def principal_id(self) -> str:
        """The id of the user or of the key, which no later one of the same name has."""
        return self.user_id if self.kind == "user" else self.key_id

    @property
    def is_limited(self) -> bool:
        """Whether there are scopes or lanes that it may not see."""
        return self.scopes is not None or self.lanes is not None
