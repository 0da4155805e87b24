"""`nova command`: sends a command, and follows its progress and result."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid

import click
import msgspec

from nova.cli.event_lines import write_event
from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.console.printing import print_json
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.submission import CommandAck, SubmitCommand, check_numbers

RESULT_TIMEOUT_S = 60.0


class CommandReport(msgspec.Struct, rename="camel"):
    """The fields of a progress or result that are shown."""

    message_type: str
    progress_percent: float | None = None
    message: str | None = None
    status: str | None = None
    result: JsonObject | None = None
    error_message: str | None = None


_reported = msgspec.json.Decoder(CommandReport)


@click.command()
@click.argument("target")
@click.argument("command_type", metavar="TYPE")
@click.argument("arguments", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--scope", required=True, metavar="ID", help="Scope of the target.")
@click.option("--system", metavar="ID", help="systemId, if TARGET is ambiguous.")
@click.option("--container", metavar="ID", help="containerId, if TARGET is ambiguous.")
@click.option("--request-id", metavar="ID", help="requestId of an earlier attempt, to retry it.")
@click.option("--command-id", metavar="ID", help="commandId of that attempt.")
@click.option("--wait", is_flag=True, help="Wait for the result; exit status 1 on a failure.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=RESULT_TIMEOUT_S,
    show_default=True,
    help="Seconds that --wait waits for the result.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: the reply, then events.")
@with_archive_source
async def command(
    source: ArchiveSource,
    /,
    target: str,
    command_type: str,
    arguments: tuple[str, ...],
    scope: str,
    system: str | None,
    container: str | None,
    request_id: str | None,
    command_id: str | None,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Send a command to TARGET. It is recorded before it is sent, and sent once. Exit status 1 if
    it is refused or could not be sent.

    Values are parsed as JSON if possible, else taken as text. A number without a JSON form, such
    as 1e400 or NaN, is refused. Repeating a request with the same ids returns its reply and never
    executes the command again.

    \b
    Examples:
      nova command heater heater.set on=true --scope sat --wait
      nova command camera camera.take exposureMs=20 label="dusk" --scope sat --json
      nova command heater heater.set on=false --scope sat --url http://ground:8800 --user ann
    """
    request = SubmitCommand(
        scope_id=scope,
        command_id=command_id or f"c-{uuid.uuid4().hex}",
        request_id=request_id or f"r-{uuid.uuid4().hex}",
        target_id=target,
        command_type=command_type,
        payload=parse_payload(arguments),
        timeline_mode="LIVE",
        system_id=system,
        container_id=container,
    )
    async with await source.connect() as client:
        ack = await client.submit_command(request)
        await _report(client, ack, scope, timeout_s if wait else None, as_json)


async def _report(
    client: Client, ack: CommandAck, scope: str, wait_s: float | None, as_json: bool
) -> None:
    """Print what the record says of the command, after its result if `wait_s` is given."""
    _say_recorded(ack, as_json)
    if wait_s is not None:
        await _wait_for_result(client, scope, ack, wait_s, as_json)
    elif ack.duplicate:
        await _say_last_result(client, scope, ack, as_json)
    elif ack.failure is not None:
        _say_failure(ack.failure, as_json)


def parse_payload(arguments: tuple[str, ...]) -> JsonObject:
    """Parse `key=value` arguments; raises click.BadParameter naming the faulty one."""
    payload: JsonObject = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{argument!r} is not KEY=VALUE", param_hint="KEY=VALUE")
        if key in payload:
            raise click.BadParameter(f"{key!r} is given twice", param_hint="KEY=VALUE")
        payload[key] = _parse_value(key, text)
    return payload


def _parse_value(key: str, text: str) -> object:
    """The JSON value, else the text; raises click.BadParameter for a number without a JSON form."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        check_numbers({key: _python_value(text)})
    except ProtocolError as error:
        raise click.BadParameter(
            f"{error.message}; to send it as text, write '{key}=\"…\"'", param_hint="KEY=VALUE"
        ) from None
    return text


def _python_value(text: str) -> object:
    """Python's reading of a text, which accepts NaN and infinite numbers, in JSON or alone."""
    for read in (json.loads, float):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text


def _say_recorded(ack: CommandAck, as_json: bool) -> None:
    """Print the reply. Only a command that its transport accepted just now is called sent."""
    if as_json:
        print_json(ack)
        return
    repeated = " (it was recorded before" + (", as another command)" if ack.mismatch else ")")
    state = "sent" if ack.failure is None and not ack.duplicate else "recorded"
    click.echo(f"{ack.time}  {state}  {ack.command_id}{repeated if ack.duplicate else ''}")


def _say_failure(failure: str, as_json: bool) -> None:
    """Exit for a dispatch that failed; in JSON the reply has said so."""
    if not as_json:
        click.echo(f"failure  {failure}")
    sys.exit(1)


async def _say_last_result(client: Client, scope: str, ack: CommandAck, as_json: bool) -> None:
    """Print the result that is recorded by now, if there is one; exits if it is a failure."""
    last: bytes | None = None
    results = Query(
        start_time=ack.time, timebase="canonical", filters=_events_of(scope, ack, "CommandResult")
    )
    async for event in client.query(results):
        last = bytes(event)
    if last is not None:
        reported = _reported.decode(last)
        _print_report(last, reported, as_json)
        if reported.status != "success":
            sys.exit(1)


def _events_of(scope: str, ack: CommandAck, *message_types: str) -> Filters:
    """The events of a command, of these types or of all."""
    return Filters(
        scope_ids=[scope],
        lanes=["command"],
        message_types=list(message_types) or None,
        command_id=ack.command_id,
    )


async def _wait_for_result(
    client: Client, scope: str, ack: CommandAck, timeout_s: float, as_json: bool
) -> None:
    """Print the command's progress from its record on; exits when the result arrives."""
    stream = client.stream(
        "LIVE",
        start_time=ack.time,
        timebase="canonical",
        filters=_events_of(scope, ack),
    )
    state = "sent"
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in stream:
                for event in chunk.events:
                    reported = _reported.decode(event)
                    if reported.message_type != "CommandRequest":
                        _print_report(bytes(event), reported, as_json)
                        state = reported.message or "running"
                    if reported.status is not None:
                        sys.exit(0 if reported.status == "success" else 1)
    except TimeoutError:
        raise NovaError(
            f"no result within {timeout_s:g} s; command {ack.command_id} remains {state!r}"
        ) from None


def _print_report(event: bytes, reported: CommandReport, as_json: bool) -> None:
    if as_json:
        write_event(event, as_json)
    elif reported.status is None:
        click.echo(f"{reported.progress_percent:g} %  {reported.message or ''}".rstrip())
    else:
        details = reported.error_message or (
            msgspec.json.encode(reported.result).decode() if reported.result else ""
        )
        click.echo(f"{reported.status}  {details}".rstrip())
    sys.stdout.flush()
