"""What a viewer has subscribed to, and the filters of the stream that has all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from nova.foxglove.channel_catalog import ChannelCatalog
from nova.foxglove.wire_frames import ChannelSubscription, ViewerError
from nova.sdk.events.series import Series
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import Filters

NAMES_MAX = 256
"""Scopes or messageTypes that filters name; of more they name none, and the gateway selects."""

NO_TYPE = "-"
"""A messageType that selects no event of the other lanes than raw."""

FAULTS_SHOWN_MAX = 3


class Subscriptions:
    """Ids of subscriptions by series, at most one for each."""

    def __init__(self, catalog: ChannelCatalog) -> None:
        self._catalog = catalog
        self._ids: dict[Series, int] = {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def id_of(self, series: Series) -> int | None:
        return self._ids.get(series)

    def add(self, wanted: Iterable[ChannelSubscription]) -> None:
        """Subscribe; raises ViewerError for those that cannot be, after the others."""
        used = set(self._ids.values())
        faults = []
        for one in wanted:
            channel = self._catalog.find(one.channel_id)
            if channel is None:
                faults.append(f"there is no channel {one.channel_id}")
            elif channel.series in self._ids:
                faults.append(f"channel {one.channel_id} is subscribed already")
            elif one.id in used:
                faults.append(f"the subscription id {one.id} is in use")
            else:
                used.add(one.id)
                self._ids[channel.series] = one.id
        _raise(faults)

    def remove(self, ids: Iterable[int]) -> None:
        """Unsubscribe; raises ViewerError for ids that are not there, after the others."""
        by_id = {number: series for series, number in self._ids.items()}
        unknown = []
        for number in ids:
            series = by_id.pop(number, None)
            if series is None:
                unknown.append(f"there is no subscription {number}")
            else:
                del self._ids[series]
        _raise(unknown)

    def filters(self) -> Filters:
        """The narrowest filters that select all subscribed series."""
        if not self._ids:
            return Filters(scope_ids=[], message_types=[NO_TYPE])
        given = self._catalog.filters
        columns = Series(*map(frozenset, zip(*self._ids, strict=True)))  # type: ignore[arg-type]
        types = None if "" in columns.message_type else _named(columns.message_type)
        lanes = cast("list[Lane]", sorted(columns.lane))
        return msgspec.structs.replace(
            given,
            scope_ids=_named(columns.scope_id) or given.scope_ids,
            lanes=lanes,
            message_types=types or given.message_types,
            system_id=_only(columns.system_id),
            container_id=_only(columns.container_id),
            unique_id=_only(columns.unique_id),
            view_id=_only(columns.view_id) or None,
        )


def _named(values: Iterable[str]) -> list[str] | None:
    names = sorted(values)
    return names if len(names) <= NAMES_MAX else None


def _only(values: Iterable[str]) -> str | None:
    """The value that all have."""
    found = list(values)
    return found[0] if len(found) == 1 else None


def _raise(faults: Sequence[str]) -> None:
    if faults:
        more = len(faults) - FAULTS_SHOWN_MAX
        shown = "; ".join(faults[:FAULTS_SHOWN_MAX])
        raise ViewerError(f"{shown}; and {more} more" if more > 0 else shown)
