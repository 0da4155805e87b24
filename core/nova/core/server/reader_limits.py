"""The limits of a reader that are not settings of the instance."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.query.column_query import COLUMN_LIMITS, ColumnLimits
from nova.core.query.find_query import FIND_LIMITS, FindLimits
from nova.core.query.sample_query import SAMPLE_LIMITS, SampleLimits
from nova.core.server.conflation import PENDING_MAX_EVENTS
from nova.core.server.link_registry import WRITER_SILENCE_S


class ReaderLimits(NamedTuple):
    """What an answer reads itself, what may wait for a client that is slow, and after which silence
    the writer hangs.
    """

    samples: SampleLimits = SAMPLE_LIMITS
    finding: FindLimits = FIND_LIMITS
    columns: ColumnLimits = COLUMN_LIMITS
    pending_max_events: int = PENDING_MAX_EVENTS
    writer_silence_s: float = WRITER_SILENCE_S


READER_LIMITS = ReaderLimits()
