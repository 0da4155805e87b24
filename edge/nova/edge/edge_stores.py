"""The stores of an edge's folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nova.edge.audit_queue import AuditQueue
from nova.edge.authorization import Authorizer
from nova.edge.database_turn import DatabaseTurn
from nova.edge.display_store import DisplayStore
from nova.edge.edge_config import EdgeLimits
from nova.edge.edge_database import EdgeStore
from nova.edge.key_store import KeyStore
from nova.edge.limit_store import LimitStore
from nova.edge.login_store import LoginStore
from nova.edge.pending_logins import PendingLogins
from nova.edge.session_store import SessionStore
from nova.edge.tcp_stream_store import TcpStreamStore
from nova.edge.tokens import TokenSigner
from nova.edge.user_store import UserStore

BUSY_TIMEOUT_S = 0.25
"""For a transaction of another edge, which is over soon; for longer ones there is DatabaseTurn."""


class EdgeStores(NamedTuple):
    """The stores of an edge's folder; the caller owns and closes them."""

    users: UserStore
    sessions: SessionStore
    keys: KeyStore
    logins: LoginStore
    limits: LimitStore
    audit: AuditQueue
    pending: PendingLogins
    streams: TcpStreamStore
    displays: DisplayStore
    turn: DatabaseTurn

    def authorizer(self, tokens: TokenSigner, limits: EdgeLimits) -> Authorizer:
        """What admits the users, sessions and keys of these stores."""
        return Authorizer(self.users, self.sessions, self.keys, tokens, limits.access_cache_s)


def open_stores(folder: Path) -> EdgeStores:
    """Open the stores of an edge's folder, for an event loop that must not be blocked."""
    stores = EdgeStores(
        UserStore(folder),
        SessionStore(folder),
        KeyStore(folder),
        LoginStore(folder),
        LimitStore(folder),
        AuditQueue(folder),
        PendingLogins(folder),
        TcpStreamStore(folder),
        DisplayStore(folder),
        DatabaseTurn(folder),
    )
    for store in stores:
        if isinstance(store, EdgeStore) and not isinstance(store, DatabaseTurn):
            store.wait_at_most(BUSY_TIMEOUT_S)
    return stores
