"""Pages of a range between which events were deleted are no whole answer."""

from __future__ import annotations

import pytest

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.kept_range import require_unchanged
from nova.sdk.protocol.message import GivenBackInfo

JANUARY = GivenBackInfo(scope_id="sat", lane="raw", until="2026-02-01T00:00:00.000000000Z")
FEBRUARY = GivenBackInfo(scope_id="sat", lane="raw", until="2026-03-01T00:00:00.000000000Z")


def test_what_was_deleted_before_the_first_page_is_no_fault() -> None:
    require_unchanged([JANUARY], [JANUARY])
    require_unchanged([], [])


@pytest.mark.parametrize("first", [[], [JANUARY]])
def test_what_was_deleted_between_pages_is_an_error(first: list[GivenBackInfo]) -> None:
    with pytest.raises(ProtocolError, match="sat/raw was given back up to 2026-03-01"):
        require_unchanged(first, [FEBRUARY])
