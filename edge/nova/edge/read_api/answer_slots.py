"""How many answers of all pages are being sent at once: of an edge, and of each principal."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.sdk.errors import ProtocolError, RateLimitError

RETRY_S = 1.0


class AnswerSlots:
    """Each takes a connection to the reader and the memory of some pages for as long as it lasts; a
    single page is over soon, and is limited by the rate of requests alone.
    """

    def __init__(self, limits: EdgeLimits) -> None:
        self._limits = limits
        self._count = 0
        self._by_principal: Counter[str] = Counter()

    @contextlib.contextmanager
    def taken(self, access: Access) -> Iterator[None]:
        """Hold a slot while the block runs; raises ProtocolError if there is none."""
        most, own = self._limits.answers_max, self._limits.answers_per_principal_max
        if self._by_principal[access.name] >= own:
            raise RateLimitError(
                "rateLimited",
                f"{own} answers are being sent to this user or key (limit): read them to their "
                "end, or close them",
                retry_after_s=RETRY_S,
            )
        if self._count >= most:
            raise ProtocolError(
                "busy",
                f"this edge sends {most} answers (limit): try again later",
                retry_after_s=RETRY_S,
            )
        self._count += 1
        self._by_principal[access.name] += 1
        try:
            yield
        finally:
            self._count -= 1
            self._by_principal[access.name] -= 1
            if not self._by_principal[access.name]:
                del self._by_principal[access.name]
