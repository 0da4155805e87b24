"""How `nova streams` shows a TCP stream: as a row of a table, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from nova.sdk.protocol.tcp_streams import TcpStreamDefinition, TcpStreamInfo

HEADINGS = ("NAME", "ADDRESS", "STATE", "FORMAT", "SELECTS", "CLIENTS", "DROPPED", "BYTES/S")
UNKNOWN = "-"


class StreamLine(msgspec.Struct, rename="camel"):
    """A stream as `nova streams list --json` prints it. The members from `listening` on are null
    if no edge was asked.
    """

    stream_id: str
    name: str
    bind: str
    port: int
    enabled: bool
    created_by: str
    created: str
    selects: str
    definition: TcpStreamDefinition
    listening: bool | None = None
    problem: str | None = None
    tied_by: str | None = None
    connections: int | None = None
    messages: int | None = None
    dropped: int | None = None
    too_large: int | None = None
    bytes_sent: int | None = None
    bytes_per_s: float | None = None

    @classmethod
    def of(cls, info: TcpStreamInfo, *, knows_state: bool) -> StreamLine:
        definition = info.definition
        line = cls(
            stream_id=info.stream_id,
            name=definition.name,
            bind=definition.bind,
            port=definition.port,
            enabled=info.enabled,
            created_by=info.created_by,
            created=info.created,
            selects=info.selects,
            definition=definition,
        )
        if knows_state:
            line.listening, line.problem, line.tied_by = info.listening, info.problem, info.tied_by
            line.connections, line.messages = info.connections, info.messages
            line.dropped, line.too_large = info.dropped, info.too_large
            line.bytes_sent = info.bytes_sent
            line.bytes_per_s = info.bytes_per_s
        return line

    @property
    def state(self) -> str:
        """The state in a word or two."""
        if not self.enabled:
            return "stopped"
        if self.listening is None:
            return "enabled"
        if not self.listening:
            return "not listening"
        return "live" if self.tied_by is None else f"tied by {self.tied_by}"


def print_streams(lines: Sequence[StreamLine]) -> None:
    """Print a table of streams, and the problems below it."""
    if not lines:
        click.echo("no TCP streams: add one with `nova streams add NAME --port N`", err=True)
        return
    rows = [HEADINGS, *map(_row, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
    for line in lines:
        if line.problem is not None:
            click.echo(f"{line.name}: {line.problem}", err=True)


def _row(line: StreamLine) -> tuple[str, ...]:
    definition = line.definition
    framing = "" if definition.framing == "none" else f"/{definition.framing}"
    counts = (line.connections, line.dropped)
    return (
        line.name,
        f"{line.bind}:{line.port}",
        line.state,
        f"{definition.format}{framing}",
        line.selects,
        *(UNKNOWN if count is None else str(count) for count in counts),
        UNKNOWN if line.bytes_per_s is None else f"{line.bytes_per_s:.0f}",
    )
