"""With whose eyes a TCP stream reads: its creator's, as the creator's access is now."""

from __future__ import annotations

import math

from nova.edge.access import Access
from nova.edge.key_store import KeyStore
from nova.edge.tcp_stream_store import StoredStream
from nova.edge.user_store import UserStore
from nova.sdk.errors import ProtocolError

_READS = "{!r}, with whose access the stream reads,"
USER_DISABLED = f"the user {_READS} is disabled: enable the user, or create the stream anew"
USER_DELETED = f"the user {_READS} is deleted: delete the stream, and create it anew"
KEY_GONE = (
    f"the API key {_READS} is revoked or has expired: delete the stream, and create it anew with "
    "another key"
)
NO_CREATOR = f"{_READS} cannot read: delete the stream, and create it anew"


class TcpStreamPrincipals:
    """Resolves creators. What changes nothing about what they see changes nothing here."""

    def __init__(self, users: UserStore, keys: KeyStore) -> None:
        self._users = users
        self._keys = keys

    def access_of(self, stream: StoredStream) -> Access:
        """The access of a stream's creator; raises ProtocolError `badStream` if it has none any
        more. A Unix user of this machine may read whatever the archive has.
        """
        name = stream.created_by
        match stream.creator_kind:
            case "user":
                user = self._users.get(name)
                if user is None or user.id != stream.creator_id:
                    raise _gone(USER_DELETED, name)
                if not user.enabled:
                    raise _gone(USER_DISABLED, name)
                return Access(name, "user", user.role, math.inf, user.scopes, user_id=user.id)
            case "key":
                key = self._keys.current(stream.creator_id)
                if key is None:
                    raise _gone(KEY_GONE, name)
                return Access(name, "key", key.role, math.inf, key.scopes, key.lanes, key_id=key.id)
            case "local":
                return Access(name, "user", "admin", math.inf)
            case _:
                raise _gone(NO_CREATOR, name)


def _gone(problem: str, name: str) -> ProtocolError:
    return ProtocolError("badStream", problem.format(name))
