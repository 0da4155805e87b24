"""With whose eyes a TCP stream reads: its creator's, as the creator's access is now."""

from __future__ import annotations

import math

from nova.edge.access import Access
from nova.edge.key_store import KeyStore
from nova.edge.tcp_stream_store import StoredStream
from nova.edge.user_store import UserStore


class TcpStreamPrincipals:
    """Resolves creators. What changes nothing about what they see changes nothing here."""

    def __init__(self, users: UserStore, keys: KeyStore) -> None:
        self._users = users
        self._keys = keys

    def access_of(self, stream: StoredStream) -> Access | None:
        """The access of a stream's creator, None if it has none any more. A Unix user of this
        machine may read whatever the archive has.
        """
        name = stream.created_by
        match stream.creator_kind:
            case "user":
                user = self._users.get(name)
                if user is None or not user.enabled:
                    return None
                return Access(name, "user", user.role, math.inf, user.scopes)
            case "key":
                key = self._keys.get(name)
                if key is None:
                    return None
                return Access(name, "key", key.role, math.inf, key.scopes, key.lanes)
            case "local":
                return Access(name, "user", "admin", math.inf)
            case _:
                return None
