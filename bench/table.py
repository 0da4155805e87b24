"""The one table that a run prints, with what it ran on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

LIBRARIES = ("rocksdict", "aiohttp", "msgspec", "orjson", "confluent-kafka", "nats-py")


class Row(NamedTuple):
    """One measured figure; `ratio` compares it with a peer doing the same work in the same run."""

    task: str
    figure: float
    unit: str
    ratio: float | None = None
    note: str = ""
    peer: str = "SQLite"


def markdown(rows: Sequence[Row], events: int) -> str:
    """Rows as a Markdown table under a line of versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        f"{events:,} events; Python {platform.python_version()}, {libraries}; "
        f"{os.cpu_count()} CPUs, {platform.machine()}",
        "",
        "| task | figure | unit | ratio | note |",
        "|---|---:|---|---:|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} × {row.peer}"
        lines.append(f"| {row.task} | {_number(row.figure)} | {row.unit} | {ratio} | {row.note} |")
    return "\n".join(lines)


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
