"""The static files and their headers (A-153, A-165, pitfalls 30, 31)."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from nova.edge.assets import CACHE_HASHED, CACHE_OTHER
from nova.edge.replies import SECURITY_HEADERS
from tests.edge.server import RunningEdge, running_edge

SCRIPT = "export {}"
GZIP = gzip.compress(SCRIPT.encode(), mtime=0)
BROTLI = b"any bytes: the client does not decode them"


@pytest.fixture
async def site(tmp_path: Path, reader_socket: Path) -> AsyncIterator[RunningEdge]:
    """An edge with a small built app, and a secret beside it."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>NOVA</title>")
    (static / "admin.html").write_text("<!doctype html><title>NOVA administration</title>")
    (static / "favicon.svg").write_text("<svg/>")
    (static / "assets" / "index-abc123.js").write_text(SCRIPT)
    (static / "assets" / "index-abc123.css").write_text("body {}")
    (static / "assets" / "index-abc123.js.br").write_bytes(BROTLI)
    (static / "assets" / "index-abc123.js.gz").write_bytes(GZIP)
    (tmp_path / "secret.txt").write_text("secret")
    (static / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with running_edge(tmp_path, reader_socket, static=static) as edge:
        yield edge


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/", "text/html", CACHE_OTHER),
        ("/admin", "text/html", CACHE_OTHER),
        ("/favicon.svg", "image/svg+xml", CACHE_OTHER),
        ("/assets/index-abc123.js", "javascript", CACHE_HASHED),
        ("/assets/index-abc123.css", "text/css", CACHE_HASHED),
    ],
)
async def test_files_come_with_type_cache_and_security_headers(
    site: RunningEdge, path: str, kind: str, cache: str
) -> None:
    """Only names that hold a hash are cached for long."""
    async with site.http.get(site.url + path) as reply:
        assert reply.status == 200
        assert reply.content_type.endswith(kind)
        assert reply.headers["Cache-Control"] == cache
        for name, value in SECURITY_HEADERS.items():
            assert reply.headers[name] == value


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [("gzip, br", "br", BROTLI), ("gzip", "gzip", GZIP), ("identity", None, SCRIPT.encode())],
    ids=["brotli", "gzip", "plain"],
)
async def test_a_file_comes_as_small_as_the_browser_takes_it(
    site: RunningEdge, accepted: str, encoding: str | None, body: bytes
) -> None:
    """What the build compressed is sent as it is, and a cache keeps the kinds apart."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        url = f"{site.url}/assets/index-abc123.js"
        async with http.get(url, headers={"Accept-Encoding": accepted}) as reply:
            assert reply.headers.get("Content-Encoding") == encoding
            assert reply.content_type.endswith("javascript")
            assert "Accept-Encoding" in reply.headers["Vary"]
            assert await reply.read() == body


async def test_the_policy_lets_no_foreign_and_no_inline_code_in() -> None:
    """Nothing comes from elsewhere at run time, nothing inline runs, no page may frame ours."""
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "*" not in policy and "data:" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/link.txt",
        "/assets/index-abc123.js.br",
        "/assets",
        "/assets/",
        "/index.html",
        "/admin.html",
        "/admin/",
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/..\\..\\secret.txt",
        "/assets/index-abc123.js%00.txt",
        "//secret.txt",
        "/nothing",
    ],
)
async def test_no_path_reaches_what_is_not_listed(site: RunningEdge, path: str) -> None:
    """404 in JSON with the security headers, whatever the path tries."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.split(" ", 2)[1] in ("400", "404")
    assert "secret" not in answer.split("\r\n\r\n", 1)[1]


async def test_an_unknown_path_says_so_in_json(site: RunningEdge) -> None:
    """Errors have one form and carry the security headers too."""
    async with site.http.get(f"{site.url}/nothing") as reply:
        assert reply.status == 404
        assert await reply.json() == {"code": "notFound", "message": "Not Found"}
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/admin"])
async def test_without_a_build_the_page_says_what_to_do(edge: RunningEdge, path: str) -> None:
    """A fresh checkout has no built pages."""
    async with edge.http.get(edge.url + path) as reply:
        assert reply.status == 503
        assert "make web" in await reply.text()
