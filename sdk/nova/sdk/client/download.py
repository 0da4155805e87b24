"""Download of a finished export from an edge or from a local data folder."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import msgspec

from nova.sdk.client.http_refusal import refusal_of
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import ConnectionLostError, NovaError
from nova.sdk.protocol.export import ExportComplete
from nova.sdk.protocol.export_links import ExportLinks

BLOCK_BYTES = 1024 * 1024
PART_SUFFIX = ".part"


async def from_edge(url: str, token: str, export: ExportComplete, target: Path) -> None:
    """Download an export; `target` appears only when it is complete."""
    headers = {"Authorization": f"Bearer {token}"}
    part = target.with_name(target.name + PART_SUFFIX)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(urljoin(url, export.url), headers=headers) as response,
        ):
            if response.status != 200:
                raise await refusal_of(response)
            with part.open("wb") as out:
                async for block in response.content.iter_chunked(BLOCK_BYTES):
                    await asyncio.to_thread(out.write, block)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ConnectionLostError(f"the download from {url} was interrupted: {error}") from error
    except OSError as error:
        raise NovaError(f"cannot write {target}: {error.strerror}") from error
    if part.stat().st_size != export.bytes:
        raise ConnectionLostError(f"the download from {url} is incomplete")
    part.replace(target)


async def links(url: str, token: str, export: ExportComplete) -> ExportLinks:
    """Make links to the MCAP files of an export; theirs are whole URLs."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(urljoin(url, f"{export.url}/links"), headers=headers) as response,
        ):
            if response.status != 200:
                raise await refusal_of(response)
            made = msgspec.json.decode(await response.read(), type=ExportLinks)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ConnectionLostError(f"{url} gave no links: {error}") from error
    except msgspec.DecodeError as error:
        raise NovaError(f"what {url} answered is no list of links: {error}") from error
    for one in made.links:
        one.url = urljoin(url, one.url)
    return made


def from_folder(data: Path, export: ExportComplete, target: Path) -> None:
    """Link or copy an export out of a data folder; the original stays until it expires."""
    source = exports_folder(data) / f"{export.export_id}.zip"
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
        part.replace(target)
    except OSError as error:
        raise NovaError(f"cannot write {target}: {error.strerror}") from error
