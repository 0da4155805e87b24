"""Compressed request bodies: one that cannot be decompressed is a client error, on every route."""

from __future__ import annotations

import gzip
import logging
import zlib

import msgspec
import pytest

from tests.edge.server import PASSWORD, RunningEdge

CREDENTIALS = msgspec.json.encode({"username": "admin", "password": PASSWORD})
PACKED = gzip.compress(CREDENTIALS)
BAD = [
    ("gzip", b"garbage"),
    ("gzip", b""),
    ("gzip", PACKED[:-9]),
    ("gzip", PACKED[:20] + b"\x00" + PACKED[21:]),
    ("gzip", PACKED + PACKED),
    ("deflate", b"garbage"),
    ("deflate", PACKED),
    ("gzip, deflate", CREDENTIALS),
    ("br", CREDENTIALS),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("nonsense", CREDENTIALS),
    ("gzip", gzip.compress(b" " * 1_000_000)),
]


@pytest.mark.parametrize(("coding", "body"), BAD, ids=range(len(BAD)))
async def test_a_bad_coding_is_a_bad_request(edge: RunningEdge, coding: str, body: bytes) -> None:
    """Pitfalls row 25: 400 with the reason, and never a failure of ours."""
    headers = {"Content-Encoding": coding}
    async with edge.http.post(f"{edge.url}/auth/login", data=body, headers=headers) as reply:
        answer = await reply.json()
        assert (reply.status, answer["code"]) == (400, "badRequest")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "identity"])
async def test_a_good_coding_is_unpacked(edge: RunningEdge, coding: str) -> None:
    """Whoever packs a body rightly is understood."""
    packed = {"gzip": PACKED, "deflate": zlib.compress(CREDENTIALS), "identity": CREDENTIALS}
    headers = {"Content-Encoding": coding}
    body = packed[coding.lower()]
    async with edge.http.post(f"{edge.url}/auth/login", data=body, headers=headers) as reply:
        assert reply.status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/exports/abc", "/healthz", "/metrics", "/ws", "/nothing"])
async def test_a_body_that_nobody_reads_harms_nothing(
    edge: RunningEdge, path: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is that of the route, and the connection serves on."""
    headers = {"Content-Encoding": "gzip"}
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            async with edge.http.request(
                method, edge.url + path, data=b"garbage", headers=headers
            ) as reply:
                assert reply.status < 500
    assert not caplog.records
