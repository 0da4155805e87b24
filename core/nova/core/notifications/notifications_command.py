"""`nova notifications`: checks a notification file, and tests its targets."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import click

from nova.console.check_report import CheckReport
from nova.core.notifications.apprise_sender import open_service
from nova.core.notifications.message_delivery import sender_of
from nova.core.notifications.notice import MessageContent
from nova.core.notifications.notification_file import (
    NotificationFile,
    NotificationTarget,
    check_notifications,
    read_notifications,
)
from nova.core.notifications.send_result import SendResult
from nova.sdk import timestamps
from nova.sdk.errors import NovaError

EXAMPLE = """add one, such as

[[rules]]
name = "night"
targets = ["crew"]"""


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

    Every fault is printed with file, target or rule, member and remedy, and the exit status is 1;
    without any rule, with which nobody is notified, it is 3.

    \b
    Example:
      nova notifications check ./notifications.toml
    """
    file, faults = check_notifications(path)
    targets, rules = (len(file.targets), len(file.rules)) if file is not None else (0, 0)
    if file is not None:
        faults += _service_faults(file)
    CheckReport(
        {"targets": targets, "rules": rules},
        [{"file": str(path), "fault": fault} for fault in faults],
        f"{targets} targets and {rules} rules are valid",
        "" if faults or rules else f"{path}: has no rule, so nobody is notified: {EXAMPLE}",
    ).finish(as_json=as_json)


def _service_faults(file: NotificationFile) -> Iterator[str]:
    for target in file.targets:
        if target.url is not None:
            try:
                open_service(target.url)
            except NovaError as error:
                yield f"target {target.name}: {error}"


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
