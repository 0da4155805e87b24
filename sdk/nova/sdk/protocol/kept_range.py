"""What readers of a range do about events that retention has deleted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import GivenBackInfo

log = logging.getLogger(__name__)


def warn_of_deleted(given_back: Sequence[GivenBackInfo]) -> None:
    """Log a warning for each scope and lane of which a range begins before what is kept."""
    for info in given_back:
        log.warning(
            "%s/%s: events received before %s were given back by retention",
            info.scope_id,
            info.lane,
            info.until,
        )


def require_unchanged(first: Sequence[GivenBackInfo], later: Sequence[GivenBackInfo]) -> None:
    """Raise ProtocolError if retention has deleted events between two pages of a range."""
    for info in later:
        if info not in first:
            raise ProtocolError(
                "givenBack",
                f"{info.scope_id}/{info.lane} was given back up to {info.until} by retention "
                "while it was read: request the range again, or one that begins later",
            )
