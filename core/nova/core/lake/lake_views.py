"""`views.sql`: the views by which DuckDB reads a lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nova.core.drivers.parquet import HEADER_COLUMNS
from nova.core.lake.lake_layout import EVENTS_FOLDER, PARQUET_ENDING

_HEAD = """\
-- Written by `nova lake`, which writes it anew at each run: run it again after moving the lake.
-- One line reads it: duckdb -init views.sql   or   duckdb.sql(open("views.sql").read())
-- The order of canonical time: order by canonicalTruthTime
-- The order of source time: order by sourceTruthTime,
--   list_position(['metadata', 'command', 'ui', 'parsed', 'raw'], lane), eventId
"""
_READ = (
    "from read_parquet({files}, hive_partitioning = true, union_by_name = true, "
    "hive_types = {{'scope': varchar, 'day': date}})"
)


def views_of(place: str, names: Iterable[str]) -> bytes:
    """The views of a lake in a place, by the names of all that it holds: `events` with the header
    of every event, and for each lane and type one with its members, such as `parsed_Battery`.
    """
    return "".join([_HEAD, *_views(place, names)]).encode()


def _views(place: str, names: Iterable[str]) -> Iterator[str]:
    files = sorted({name.rpartition("/")[2] for name in names if name.endswith(PARQUET_ENDING)})
    if files:
        columns = ", ".join([*HEADER_COLUMNS, "scope", "day"])
        yield _view("events", columns, f"{place}/{EVENTS_FOLDER}/scope=*/day=*/*{PARQUET_ENDING}")
    for file in files:
        lane, _, kind = file.removesuffix(PARQUET_ENDING).partition(".")
        name = lane if lane == kind else f"{lane}_{kind.replace('+', ':')}"
        yield _view(name, "*", f"{place}/{EVENTS_FOLDER}/scope=*/day=*/{file}")


def _view(name: str, columns: str, files: str) -> str:
    quoted = files.replace("'", "''")
    source = _READ.format(files=f"'{quoted}'")
    return f'create or replace view "{name}" as\n  select {columns} {source};\n'
