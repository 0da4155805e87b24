"""A consumed batch whose events have been added."""

from __future__ import annotations

import msgspec

from nova.core.writer.columns import BatchColumns
from nova.sdk.transport.base import Batch, Receipt


class DeliveredBatch(msgspec.Struct, frozen=True):
    """A batch that a link has delivered, its columns, and what became of its records."""

    link: str
    batch: Batch
    columns: BatchColumns
    receipt: Receipt
