"""Columns of a local archive by one call."""

from __future__ import annotations

from pathlib import Path

from nova.sdk.blocking.blocking_client import BlockingClient
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.protocol.column_messages import Columns


def columns(data: Path | str, request: Columns) -> ColumnTable:
    """The values of fields over a span, from the NOVA that runs on a data folder. Over the network
    use `BlockingClient.log_in(…).columns(request)`.
    """
    with BlockingClient.to_core(data) as client:
        return client.columns(request)
