"""The origins whose pages may talk to an edge (pitfalls 28)."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from nova.edge.same_origin import is_foreign_origin

HOST = "nova.example:8800"


@pytest.mark.parametrize(
    ("origins", "foreign"),
    [
        ([], False),
        (["http://nova.example:8800"], False),
        (["https://NOVA.example:8800"], False),
        (["http://nova.example"], True),
        (["http://nova.example:8801"], True),
        (["http://evil.example:8800"], True),
        (["http://nova.example:8800.evil.example"], True),
        (["http://nova.example:8800@evil.example"], True),
        (["null"], True),
        ([""], True),
        (["file://nova.example:8800"], True),
        (["http://[nova.example:8800"], True),
        (["http://nova.example:8800", "http://evil.example"], True),
    ],
)
def test_only_the_host_itself_is_not_foreign(origins: list[str], foreign: bool) -> None:
    """Programs send no Origin and may come; anything odd is foreign."""
    headers = CIMultiDict([("Host", HOST), *(("Origin", origin) for origin in origins)])
    assert is_foreign_origin(make_mocked_request("GET", "/ws", headers)) is foreign
