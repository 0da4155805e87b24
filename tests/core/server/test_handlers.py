"""The handler table has every request to a reader and nothing else."""

from __future__ import annotations

from typing import get_args

from nova.core.server.handlers import HANDLERS
from nova.sdk.protocol.follow_stream import ReaderRequest


def test_every_request_has_a_handler() -> None:
    assert set(HANDLERS) == set(get_args(ReaderRequest))
