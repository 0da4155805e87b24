"""The headers by which a reader knows for whom a connection reads. The edge sets them, so clients
cannot forge them.
"""

from __future__ import annotations

from urllib.parse import quote

from nova.edge.access import Access
from nova.sdk.protocol.submission import (
    CONNECTION_HEADER,
    KIND_HEADER,
    LANES_HEADER,
    ROLE_HEADER,
    SCOPES_HEADER,
    USER_HEADER,
    Role,
)


def identity_headers(
    access: Access, connection_name: str, role: Role | None = None
) -> dict[str, str]:
    """The headers of a principal on a connection; `role` replaces its own."""
    who = {
        USER_HEADER: quote(access.name, safe=""),
        ROLE_HEADER: role or access.role,
        CONNECTION_HEADER: connection_name,
        KIND_HEADER: access.kind,
    }
    if access.scopes is not None:
        who[SCOPES_HEADER] = ",".join(access.scopes)
    if access.lanes is not None:
        who[LANES_HEADER] = ",".join(access.lanes)
    return who
