"""What one stage adds to the open commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from nova.core.commit_feed import NewSeries
from nova.core.store.catalog import LinkCounters
from nova.core.store.key_value import KeyValue
from nova.core.writer.rollup_counts import RollupCounts

_NONE: Mapping[Any, Any] = MappingProxyType({})


class Increments(msgspec.Struct, frozen=True):
    """Increments of the counters of the archive."""

    duplicates: int = 0
    rejects: int = 0
    request_clashes: int = 0
    unknown_commands: int = 0


NO_INCREMENTS = Increments()


class Additions(msgspec.Struct, frozen=True):
    """What one stage adds to the open commit, except events."""

    keys: Collection[bytes] = ()
    """Order keys of events, and catalog keys of requestIds and commandIds, that are taken now."""

    series: Sequence[NewSeries] = ()
    rows: Sequence[KeyValue] = ()
    """Rows of the catalog, in the order of writing."""

    selections: Mapping[bytes, str] = _NONE
    """By catalog key of a stream, its driver."""

    rollups: RollupCounts = _NONE
    increments: Increments = NO_INCREMENTS
    links: Mapping[str, LinkCounters] = _NONE
    """By link name, its counters after the batch."""

    positions: Mapping[str, dict[str, int]] = _NONE
    """By link name, its positions after the batch."""


NOTHING = Additions()
