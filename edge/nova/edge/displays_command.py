"""`nova displays`: lists, exports and imports the displays of an archive."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar, get_args

import click
import msgspec
from msgspec import structs

from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.console.printing import plain, plain_json, print_json
from nova.edge.access import Access
from nova.edge.actor import local_actor
from nova.edge.display_folder import load_display
from nova.edge.display_requests import DisplayRequests
from nova.edge.display_store import DisplayStore
from nova.edge.edge_config import FOLDER_NAME
from nova.edge.edge_database import FILE_NAME
from nova.edge.users_file import require_users, storage_errors
from nova.sdk.display import CONTENT_MAX_BYTES
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import Role
from nova.sdk.protocol.displays import (
    DisplayChanged,
    DisplayInfo,
    DisplayResponse,
    DisplaysResponse,
    ListDisplays,
    ReadDisplay,
    SaveDisplay,
    ShareDisplay,
)
from nova.sdk.protocol.message import Message

NO_SUCH = "there is no display {!r} that you may see"
SEVERAL = "several displays are named {!r}: give the id of one, {}"

ReplyT = TypeVar("ReplyT", bound=Message)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Ask(Protocol):
    """Asks the displays of a folder, or of an edge; raises ProtocolError."""

    def __call__(self, request: Message, reply: type[ReplyT], /) -> Awaitable[ReplyT]: ...


@click.group()
def displays() -> None:
    """Displays: the layouts of the screen that users keep and share.

    With --data they are those of the archive's folder, where a display that is imported is shared
    with everybody or with nobody; with --url those that you may see, and an import is yours.

    \b
    nova displays list
    nova displays export Power > power.json
    nova displays import power.json --share viewer
    """


@displays.command("list")
@json_option
@with_archive_source
async def list_displays(source: ArchiveSource, /, as_json: bool) -> None:
    """List the displays, with their ids, owners and newest versions."""
    async with open_displays(source) as ask:
        listed = await ask(ListDisplays(), DisplaysResponse)
    for one in listed.displays:
        if as_json:
            print_json(one)
        else:
            shared = one.shared_with or "-"
            owner = plain(one.owner or one.origin)
            name = plain(one.name)
            click.echo(f"{one.display_id}\t{name}\t{one.version}\t{owner}\t{shared}")
    if listed.displays_left_out:
        click.echo(f"{listed.displays_left_out} more have no room in the list", err=True)


@displays.command()
@click.argument("display")
@click.option("--version", type=click.IntRange(1), help="A former version [the newest].")
@with_archive_source
async def export(source: ArchiveSource, /, display: str, version: int | None) -> None:
    """Print the display with the id or name DISPLAY as a file of the screen."""
    async with open_displays(source) as ask:
        found = await _find(ask, display)
        request = ReadDisplay(display_id=found.display_id, version=version)
        read = await ask(request, DisplayResponse)
    text = msgspec.json.format(msgspec.json.encode(read.display), indent=2).decode()
    click.echo("\n".join(map(plain_json, text.split("\n"))))


@displays.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="Its name [that in the file].")
@click.option("--replace", metavar="DISPLAY", help="Save it as the next version of this display.")
@click.option(
    "--share", type=click.Choice(get_args(Role)), help="Share it with this role and those above."
)
@json_option
@with_archive_source
async def import_(
    source: ArchiveSource,
    /,
    file: Path,
    name: str | None,
    replace: str | None,
    share: Role | None,
    as_json: bool,
) -> None:
    """Save the display of FILE, as another one or as a version.

    \b
    nova displays import power.json --share viewer
    nova displays import power.json --replace Power
    """
    display = load_display(file, CONTENT_MAX_BYTES)
    if name is not None:
        display = structs.replace(display, name=name)
    async with open_displays(source) as ask:
        request = SaveDisplay(display=display)
        if replace is not None:
            former = await _find(ask, replace)
            request.display_id, request.based_on = former.display_id, former.version
        info = _info(await ask(request, DisplayChanged))
        if share is not None:
            shared = ShareDisplay(
                display_id=info.display_id, shared_with=share, editable_by=info.editable_by
            )
            info = _info(await ask(shared, DisplayChanged))
    if as_json:
        print_json(info)
    else:
        click.echo(f"{info.name!r} is version {info.version} of display {info.display_id}")


@asynccontextmanager
async def open_displays(source: ArchiveSource) -> AsyncIterator[Ask]:
    """The displays at an edge, or those of a data folder."""
    if source.url is not None:
        async with await source.connect() as client:
            yield client.request
        return
    data = source.data or Path("./nova-data")
    with storage_errors(data / FOLDER_NAME / FILE_NAME, "nothing was changed"):
        require_users(data)
        with DisplayStore(data / FOLDER_NAME, time.time) as store:
            yield _of_folder(DisplayRequests(store, {}))


def _of_folder(requests: DisplayRequests) -> Ask:
    """Whoever may write the folder is an admin of it."""
    by = local_actor()
    access = Access(by.name, "user", "admin", math.inf)

    async def ask(request: Message, reply: type[ReplyT]) -> ReplyT:
        answer = requests.reply(access, request, by)  # type: ignore[arg-type]
        assert isinstance(answer, reply)
        return answer

    return ask


async def _find(ask: Ask, display: str) -> DisplayInfo:
    """The display with an id, else the only one with a name."""
    listed = (await ask(ListDisplays(), DisplaysResponse)).displays
    found = [one for one in listed if display in (one.display_id, one.name)]
    exact = [one for one in found if one.display_id == display] or found
    if not exact:
        raise ProtocolError("notFound", NO_SUCH.format(display))
    if len(exact) > 1:
        ids = ", ".join(one.display_id for one in exact)
        raise ProtocolError("ambiguousTarget", SEVERAL.format(display, ids))
    return exact[0]


def _info(changed: DisplayChanged) -> DisplayInfo:
    assert changed.info is not None
    return changed.info
