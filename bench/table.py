"""The table that a run prints, with the machine and versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import msgspec

LIBRARIES = (
    "rocksdict",
    "aiohttp",
    "msgspec",
    "orjson",
    "confluent-kafka",
    "nats-py",
    "psycopg",
    "duckdb",
)
LESS_IS_BETTER = ("s", "ms", "µs", "bytes/event", "MiB")
HEADER = (
    "| task | NOVA | unit | × SQLite | SQLite | PostgreSQL | DuckDB | bare RocksDB | wanted "
    "| note |",
    "|---|---:|---|---:|---:|---:|---:|---:|---:|---|",
)


def improvement(figure: float, other: float, unit: str) -> float:
    """The ratio of two figures; above 1 the first is better. Nothing is infinitely better."""
    better, worse = (other, figure) if unit in LESS_IS_BETTER else (figure, other)
    return better / worse if worse else 1.0


class Row(msgspec.Struct, omit_defaults=True):
    """One task: NOVA's figure, and the peers' for the same work in the same run where they can do
    it; `wanted` is a bound that NOVA has set itself.
    """

    task: str
    figure: float
    unit: str
    wanted: str = ""
    sqlite: float | None = None
    postgres: float | None = None
    duckdb: float | None = None
    rocksdb: float | None = None
    note: str = ""

    def ratio(self) -> float | None:
        """The ratio to SQLite; above 1 is better."""
        if self.sqlite is None or not self.figure:
            return None
        return improvement(self.figure, self.sqlite, self.unit)


class Report(msgspec.Struct):
    """A whole run: machine and versions, number of events, and rows."""

    machine: str
    events: int
    rows: list[Row]


def machine(postgres: str | None) -> str:
    """Versions of what took part, and the machine in a few words."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    server = f"PostgreSQL {postgres}" if postgres else "PostgreSQL not installed"
    return (
        f"Python {platform.python_version()}, {libraries}; {server}; "
        f"{os.cpu_count()} CPUs, {platform.machine()}"
    )


def markdown(report: Report) -> str:
    """The report as a Markdown table under a line of versions."""
    lines = [f"{report.events:,} events; {report.machine}", "", *HEADER]
    for row in report.rows:
        ratio = row.ratio()
        cells = (
            *(row.task, number(row.figure), row.unit, "" if ratio is None else f"{ratio:.2f} ×"),
            *(number(peer) for peer in (row.sqlite, row.postgres, row.duckdb, row.rocksdb)),
            *(row.wanted, row.note),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def number(figure: float | None) -> str:
    """A figure as people read it: thousands apart, three digits where it is small."""
    if figure is None:
        return ""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.2f}" if figure >= 1 else f"{figure:.3f}"
