"""What clients learn when the edge's database cannot be read or written."""

from __future__ import annotations

import logging
import sqlite3

from nova.sdk.errors import ProtocolError

STORAGE_UNAVAILABLE = "storageUnavailable"
NOT_RECORDED = (
    "this edge cannot use its database now, since the disk is full or another program holds it; "
    "what cannot be recorded is not done: try again later"
)
RETRY_AFTER_S = 5

log = logging.getLogger(__name__)


def storage_fault(error: sqlite3.Error) -> ProtocolError:
    """Log an error of the database; returns the one for the client."""
    log.error("the edge's database cannot be used: %s", error)
    return ProtocolError(STORAGE_UNAVAILABLE, NOT_RECORDED)
