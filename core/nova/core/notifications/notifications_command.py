"""`nova notifications`: checks a notification file, and tests its targets."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import click

from nova.console.printing import print_json
from nova.core.notifications.apprise_sender import open_service
from nova.core.notifications.message_delivery import sender_of
from nova.core.notifications.notice import MessageContent
from nova.core.notifications.notification_file import (
    NotificationFile,
    NotificationFileError,
    NotificationTarget,
    read_notifications,
)
from nova.core.notifications.send_result import SendResult
from nova.sdk import timestamps
from nova.sdk.errors import NovaError


@click.group()
def notifications() -> None:
    """Check a notification file and test its targets.

    \b
    Examples:
      nova notifications check ./notifications.toml
      nova notifications test pager --file ./notifications.toml
    """


@notifications.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(path: Path, as_json: bool) -> None:
    """Check a notification file; nothing is sent.

    \b
    An error names file, target or rule, member and remedy, and the exit status is 1:
      nova notifications check ./notifications.toml
    """
    file = read_notifications(path)
    _check_services(path, file)
    if as_json:
        print_json({"targets": len(file.targets), "rules": len(file.rules)})
    else:
        click.echo(f"{len(file.targets)} targets and {len(file.rules)} rules are valid")


def _check_services(path: Path, file: NotificationFile) -> None:
    faults = []
    for target in file.targets:
        if target.url is not None:
            try:
                open_service(target.url)
            except NovaError as error:
                faults.append(f"{path}: target {target.name}: {error}")
    if faults:
        raise NotificationFileError("\n".join(faults))


@notifications.command()
@click.argument("target")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="NOVA_NOTIFICATIONS",
    required=True,
    help="The notification file.",
)
def test(target: str, path: Path) -> None:
    """Send a test message to a target, once; it is not recorded in any archive.

    \b
    The exit status is 1 if it could not be sent:
      nova notifications test pager --file ./notifications.toml
    """
    file = read_notifications(path)
    found = file.target(target)
    if found is None:
        names = ", ".join(one.name for one in file.targets) or "none"
        raise NovaError(f"{path} has no target {target!r}: it has {names}")
    result = asyncio.run(_send_test(found))
    if not result.is_sent:
        raise NovaError(f"target {target}: {result.error}")
    click.echo(f"sent to {target}")


async def _send_test(target: NotificationTarget) -> SendResult:
    now = timestamps.text(timestamps.now())
    content = MessageContent(
        message_id=secrets.token_hex(16),
        kind="test",
        target=target.name,
        rule="",
        created=now,
        alarms=[],
    )
    return await sender_of(target).send(content)
