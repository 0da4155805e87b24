"""`/exports/links/…`: viewers read ranges of an export's MCAP files, as of any remote file."""

from __future__ import annotations

import asyncio
import io
import json
import os
import urllib.request
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcap.reader import make_reader

from nova.core.drivers.mcap import McapRecording
from nova.edge.edge_config import EdgeLimits
from nova.sdk.endpoints import exports_folder
from tests.core.drivers.test_drivers import events
from tests.edge.server import RunningEdge, running_edge
from tests.edge.test_export_downloads import ID, keep, token

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

VIEWER = "https://app.foxglove.dev"
PATH = "sat/sat+1.mcap"
STORED = events()


def recording() -> bytes:
    out = io.BytesIO()
    McapRecording().make([STORED], out)
    return out.getvalue()


CONTENT = recording()
SIZE = len(CONTENT)


def keep_zip(folder: Path, method: int = zipfile.ZIP_STORED, name: str = PATH) -> None:
    """An export with two files beside its manifest."""
    with zipfile.ZipFile(folder / f"{ID}.zip", "w", method) as archive:
        archive.writestr("export.json", "{}")
        archive.writestr(name, CONTENT)
        archive.writestr("sat/x.jsonl", "no MCAP")
    about = folder / f"{ID}.json"
    size = (folder / f"{ID}.zip").stat().st_size
    about.write_text(json.dumps({**json.loads(about.read_bytes()), "bytes": size}))


@asynccontextmanager
async def opened(
    data: Path, reader_socket: Path, limits: EdgeLimits | None = None
) -> AsyncIterator[RunningEdge]:
    """An edge whose operator named the viewer's origin, with an export."""
    async with running_edge(data, reader_socket, limits=limits, cors_origins=(VIEWER,)) as edge:
        folder = exports_folder(edge.config.data)
        folder.mkdir()
        keep(folder, ID)
        keep_zip(folder)
        edge.add_user("ann", "operator")
        yield edge


@pytest.fixture
async def served(tmp_path: Path, reader_socket: Path) -> AsyncIterator[RunningEdge]:
    async with opened(tmp_path, reader_socket) as edge:
        yield edge


async def made(edge: RunningEdge, user: str = "ann") -> str:
    """The link that a user makes."""
    bearer = {"Authorization": f"Bearer {await token(edge, user)}"}
    async with edge.http.post(f"{edge.url}/exports/{ID}/links", headers=bearer) as reply:
        assert reply.status == 200, await reply.text()
        (one,) = json.loads(await reply.read())["links"]
    assert (one["path"], one["bytes"]) == (PATH, SIZE)
    assert one["url"].endswith("/sat/sat%2B1.mcap")
    return edge.url + str(one["url"])


async def got(
    edge: RunningEdge, url: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, Mapping[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with edge.http.request(method, url, headers=named) as reply:
        return reply.status, await reply.read(), reply.headers


RANGES: dict[str, tuple[int, int] | None] = {
    "bytes=0-0": (0, 1),
    "bytes=5-9": (5, 10),
    f"bytes={SIZE - 1}-": (SIZE - 1, SIZE),
    f"bytes=10-{SIZE + 99}": (10, SIZE),
    "bytes=-8": (SIZE - 8, SIZE),
    f"bytes=-{SIZE + 8}": (0, SIZE),
    "bytes=0-1,5-9": None,
    "bytes=9-5": None,
    "bytes=-": None,
    "lines=0-1": None,
    "bytes=0-x": None,
}


async def test_ranges(served: RunningEdge) -> None:
    """What is not one range is the whole, as the standard allows."""
    url = await made(served)
    for asked, span in RANGES.items():
        status, body, headers = await got(served, url, Range=asked)
        start, stop = span or (0, SIZE)
        assert (asked, body) == (asked, CONTENT[start:stop])
        assert status == (206 if span else 200)
        expected = f"bytes {start}-{stop - 1}/{SIZE}" if span else None
        assert headers.get("Content-Range") == expected


async def test_ranges_beyond_the_end(served: RunningEdge) -> None:
    url = await made(served)
    for asked in (f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"):
        status, body, headers = await got(served, url, Range=asked)
        assert (status, json.loads(body)["code"]) == (416, "rangeNotSatisfiable")
        assert headers["Content-Range"] == f"bytes */{SIZE}"


async def test_a_head_says_what_can_be_read(served: RunningEdge) -> None:
    status, body, headers = await got(served, await made(served), "HEAD", Range="bytes=0-1")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(SIZE))
    assert headers["Accept-Ranges"] == "bytes" and headers["ETag"].startswith('"')


async def test_a_range_of_another_version_is_the_whole(served: RunningEdge) -> None:
    url = await made(served)
    etag = (await got(served, url, "HEAD"))[2]["ETag"]
    assert (await got(served, url, Range="bytes=0-1", If_Range=etag))[0] == 206
    assert (await got(served, url, Range="bytes=0-1", If_Range='"other"'))[:2] == (200, CONTENT)


async def test_a_changed_file_is_not_served(served: RunningEdge) -> None:
    """Whether it has another length or only other bytes; a new link has another tag."""
    url = await made(served)
    etag = (await got(served, url, "HEAD"))[2]["ETag"]
    path = exports_folder(served.config.data) / f"{ID}.zip"
    os.utime(path, ns=(0, 1))
    status, body, _ = await got(served, url, Range="bytes=0-1")
    assert (status, json.loads(body)["code"]) == (410, "exportDamaged")
    again = await made(served)
    assert (await got(served, again, "HEAD"))[2]["ETag"] != etag
    path.write_bytes(b"PK")
    assert (await got(served, again))[0] == 410


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_only_stored_mcap_files_have_links(served: RunningEdge, method: int) -> None:
    folder = exports_folder(served.config.data)
    deflated = method == zipfile.ZIP_DEFLATED
    keep_zip(folder, method, PATH if deflated else "sat/x.csv")
    bearer = {"Authorization": f"Bearer {await token(served, 'ann')}"}
    async with served.http.post(f"{served.url}/exports/{ID}/links", headers=bearer) as reply:
        assert reply.status == (410 if deflated else 404)
        assert ("directory" if deflated else "driver mcap") in await reply.text()


async def test_who_may_make_links(served: RunningEdge) -> None:
    links = f"{served.url}/exports/{ID}/links"
    served.add_user("eve", "viewer")
    served.add_user("bob", "operator", scopes=["sat"])
    for user in ("eve", "bob"):
        bearer = f"Bearer {await token(served, user)}"
        assert (await got(served, links, "POST", Authorization=bearer))[0] == 403
    assert (await got(served, links, "POST"))[0] == 401
    url = await made(served)
    for other in (f"{served.url}/exports/links/{'a' * 43}/{PATH}", url + "x"):
        assert (await got(served, other))[0] == 404


async def test_a_link_ends_with_its_user_and_its_export(
    tmp_path: Path, reader_socket: Path
) -> None:
    async with opened(tmp_path, reader_socket, EdgeLimits(access_cache_s=0.0)) as edge:
        url, other = await made(edge), await made(edge, "admin")
        for session in edge.stores.sessions.of_user("ann"):
            edge.stores.sessions.end("ann", session.id)
        assert (await got(edge, url))[0] == 200
        edge.users.set_password("ann", "another hash")
        assert ((await got(edge, url))[0], (await got(edge, other))[0]) == (404, 200)
        keep(exports_folder(edge.config.data), ID, seconds=-1)
        assert (await got(edge, other))[0] == 404


async def test_a_principal_has_few_links_and_each_expires(
    tmp_path: Path, reader_socket: Path
) -> None:
    for limits, expected in (
        (EdgeLimits(export_links_max=2), [404, 200, 200]),
        (EdgeLimits(export_link_s=0), [404, 404, 404]),
    ):
        async with opened(tmp_path / str(expected[1]), reader_socket, limits) as edge:
            urls = [await made(edge) for _ in range(3)]
            assert [(await got(edge, url, "HEAD"))[0] for url in urls] == expected


async def test_pages_of_named_origins_read_links(served: RunningEdge) -> None:
    """A browser asks before it sends a range, and shows a page the named headers alone."""
    url = await made(served)
    status, _, asked = await got(served, url, "OPTIONS", Origin=VIEWER)
    assert status == 204 and "Range" in asked["Access-Control-Allow-Headers"]
    status, _, headers = await got(served, url, Origin=VIEWER, Range="bytes=0-1")
    assert (status, headers["Access-Control-Allow-Origin"]) == (206, VIEWER)
    for name in ("Accept-Ranges", "Content-Range", "Content-Length", "ETag"):
        assert name in headers["Access-Control-Expose-Headers"]
    _, _, refused = await got(served, url, Origin="https://other.example")
    assert "Access-Control-Allow-Origin" not in refused
    assert (await got(served, url, "OPTIONS", Origin="https://other.example"))[0] == 403


class RangeFile(io.RawIOBase):
    """A remote file that is read by ranges, as viewers do."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._at = 0
        self.read_bytes = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, SIZE)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        stop = min(SIZE, self._at + len(view))
        if stop <= self._at:
            return 0
        asked = {"Range": f"bytes={self._at}-{stop - 1}"}
        with urllib.request.urlopen(urllib.request.Request(self._url, headers=asked)) as reply:
            assert reply.status == 206
            data = bytes(reply.read())
        view[: len(data)] = data
        self._at += len(data)
        self.read_bytes += len(data)
        return len(data)


async def test_the_mcap_reader_reads_a_link(served: RunningEdge) -> None:
    """By its index, it finds the typed schemas without most of the file, and all events."""
    url = await made(served)

    def read() -> tuple[list[str], int, list[bytes]]:
        file = RangeFile(url)
        reader = make_reader(io.BufferedReader(file, 256))
        summary = reader.get_summary()
        assert summary is not None
        names = [schema.name for schema in summary.schemas.values()]
        head_bytes = file.read_bytes
        found = reader.iter_messages(log_time_order=True)
        return names, head_bytes, [message.data for _, _, message in found]

    names, head_bytes, found = await asyncio.to_thread(read)
    assert "nova.parsed.Count" in names
    assert head_bytes < SIZE
    assert found == STORED


async def test_making_and_reading_are_audited(served: RunningEdge) -> None:
    """A file is recorded once, however many ranges of it are read."""
    url = await made(served)
    for _ in range(3):
        await got(served, url, Range="bytes=0-1")
    entries = [one.entry for one in served.stores.audit.first()]
    exports = [one.details["action"] for one in entries if one.kind == "ExportRequested"]
    assert exports == ["link", "download"]
