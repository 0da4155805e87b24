"""Options of the reading commands: where the Core is, and the event filter."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, cast

import click

from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError, TimestampError
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import Filters
from nova.sdk.utf8 import check_secret

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """Where to read: a data folder on this machine, or an edge."""

    data: Path | None
    url: str | None
    token: str | None
    user: str | None
    password: str | None

    async def connect(self) -> Client:
        """Connect a client; raises NovaError if credentials are missing."""
        if self.url is None:
            return await Client.to_core(self.data or Path("./nova-data"))
        if self.token is not None:
            return await Client.to_edge(self.url, self.token)
        if self.user is None:
            raise NovaError(
                "an edge requires --token (or NOVA_TOKEN) with an API key or access token, or "
                "--user and NOVA_PASSWORD"
            )
        password = self.password or click.prompt("Password", hide_input=True, err=True)
        return await Client.log_in(self.url, self.user, check_secret("the password", password))


def with_archive_source(
    command: Callable[Concatenate[ArchiveSource, P], Coroutine[object, object, None]],
) -> Callable[..., None]:
    """Add --data, --url, --token and --user, and pass an async command its ArchiveSource."""

    @click.option(
        "--data",
        type=click.Path(path_type=Path),
        envvar="NOVA_DATA",
        help="Data folder of a NOVA on this machine [./nova-data].",
    )
    @click.option("--url", metavar="URL", help="URL of an edge, instead of a data folder.")
    @click.option(
        "--token", envvar="NOVA_TOKEN", help="API key or access token for --url [NOVA_TOKEN]."
    )
    @click.option(
        "--user", envvar="NOVA_USER", help="User for --url; password: NOVA_PASSWORD or asked."
    )
    @wraps(command)
    def run(
        data: Path | None,
        url: str | None,
        token: str | None,
        user: str | None,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        source = ArchiveSource(data, url, token, user, os.environ.get("NOVA_PASSWORD"))
        asyncio.run(command(source, *args, **kwargs))

    return run


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the event filter."""
    for option in (
        click.option("--command-id", metavar="ID", help="Events of one command."),
        click.option("--view", metavar="VIEW", help="One viewId."),
        click.option("--types", metavar="TYPE,…", help="Only these messageTypes."),
        click.option("--unique", metavar="ID", help="One uniqueId."),
        click.option("--container", metavar="ID", help="One containerId."),
        click.option("--system", metavar="ID", help="One systemId."),
        click.option("--scopes", metavar="ID,…", help="Only these scopes."),
        click.option("--lanes", metavar="LANE,…", help=f"Only these of {', '.join(LANES)}."),
    ):
        command = option(command)
    return command


def filters_from_options(
    lanes: str | None,
    scopes: str | None,
    system: str | None,
    container: str | None,
    unique: str | None,
    types: str | None,
    view: str | None,
    command_id: str | None,
) -> Filters:
    """The event filter of the options; raises click.BadParameter for an unknown lane."""
    wanted = _split_list(lanes)
    for lane in wanted or ():
        if lane not in LANES:
            raise click.BadParameter(
                f"{lane!r} is not one of {', '.join(LANES)}", param_hint="--lanes"
            )
    return Filters(
        scope_ids=_split_list(scopes),
        lanes=cast("list[Lane] | None", wanted),
        system_id=system,
        container_id=container,
        unique_id=unique,
        message_types=_split_list(types),
        view_id=view,
        command_id=command_id,
    )


def _split_list(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


class TimeParameter(click.ParamType[str]):
    """A timestamp with a zone, or `now`."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The validated text; for `now` the current time."""
        if value == "now":
            return timestamps.text(timestamps.now())
        try:
            timestamps.parse(value)
        except TimestampError as error:
            self.fail(f"{error}, e.g. 2026-01-31T12:00:00Z, or `now`", param, ctx)
        return value
