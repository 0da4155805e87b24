"""Writes a table of columns as a file: Arrow, Parquet, npz or CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import click

from nova.cli.column_npz import write_npz
from nova.sdk.client.column_lines import csv_lines
from nova.sdk.client.column_table import ARROW_EXTRA, ColumnTable
from nova.sdk.durable import NEW_SUFFIX
from nova.sdk.optional_imports import import_optional


def write_file(table: ColumnTable, path: Path) -> None:
    """Write the file that the name's ending asks for, whole or not at all. Raises NovaError if a
    library is missing, or the format has no way to say what the table has.
    """
    fresh = path.with_name(path.name + NEW_SUFFIX)
    try:
        with fresh.open("wb") as out:
            WRITERS[path.suffix.lower()](table, out)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def check_file(path: Path) -> Path:
    """Refuse a name whose ending names no format, and ask for its library before anything is read.
    Raises click.BadParameter and NovaError.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise click.BadParameter(
            f"{path.name!r} names no format by its ending: {', '.join(WRITERS)}"
        )
    if WRITERS[suffix] in (_write_arrow, _write_parquet):
        import_optional("pyarrow", ARROW_EXTRA)
    return path


def _write_arrow(table: ColumnTable, out: BinaryIO) -> None:
    arrow = import_optional("pyarrow", ARROW_EXTRA)
    content = table.to_arrow()
    with arrow.ipc.new_file(out, content.schema) as writer:
        writer.write_table(content)


def _write_parquet(table: ColumnTable, out: BinaryIO) -> None:
    import_optional("pyarrow.parquet", ARROW_EXTRA).write_table(table.to_arrow(), out)


def _write_csv(table: ColumnTable, out: BinaryIO) -> None:
    out.writelines(csv_lines(table))


WRITERS: dict[str, Callable[[ColumnTable, BinaryIO], None]] = {
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
    ".parquet": _write_parquet,
    ".npz": write_npz,
    ".csv": _write_csv,
}
"""By the ending of a file's name; .feather is another name of the Arrow IPC file format."""
