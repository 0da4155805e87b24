"""What of the archive a principal may see: scopes, lanes, and the audit trail."""

from __future__ import annotations

from typing import NamedTuple

from nova.sdk.events.event import Series
from nova.sdk.events.reserved import is_audit, is_audit_entity
from nova.sdk.protocol.message import Filters, Message, names_audit


class Visibility(NamedTuple):
    """The bounds of what a principal sees; `scopes` and `lanes` None means all of them.

    It is applied where filters are evaluated, so that every kind of request hides the same events.
    """

    scopes: frozenset[str] | None = None
    lanes: frozenset[str] | None = None
    sees_audit: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether scopes or lanes are hidden."""
        return self.scopes is not None or self.lanes is not None

    def matches(self, series: Series) -> bool:
        """Whether the events of a series may be seen."""
        return (
            (self.scopes is None or series.scope_id in self.scopes)
            and (self.lanes is None or series.lane in self.lanes)
            and (self.sees_audit or not is_audit(series))
        )

    def of_request(self, request: Message) -> Visibility:
        """What a request shows: the audit trail only if it names it, so that an admin's timeline is
        that of everybody.
        """
        filters = getattr(request, "filters", None)
        if isinstance(filters, Filters):
            return self if names_audit(filters) else self._replace(sees_audit=False)
        ids = getattr(request, "system_id", ""), getattr(request, "container_id", "")
        return self if is_audit_entity(*ids) else self._replace(sees_audit=False)


EVERYTHING = Visibility(sees_audit=True)
"""The visibility of an admin and of NOVA's own processes."""

NO_AUDIT = Visibility()
"""The visibility of files for others: daily files and exports."""
