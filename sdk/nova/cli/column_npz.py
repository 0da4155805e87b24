"""Writes a table of columns as an npz file: a zip archive of numpy arrays by name.

What numpy would read otherwise than it was written is refused: names that it cannot distinguish,
and texts whose end an array of texts drops.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO

from nova.sdk.client.column_table import NUMPY_EXTRA, ColumnTable
from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEMBER_SUFFIX = ".npy"
"""Of the file of an array. A reader looks for it with the suffix and without."""

PRESENT_SUFFIX = ".present"
"""Of the array that says which rows have a value."""

REMEDY = "write .arrow, .parquet or .csv"
ABSENT_VALUES: dict[str, object] = {"number": float("nan"), "boolean": False, "string": ""}


def write_npz(table: ColumnTable, out: BinaryIO) -> None:
    """Arrays by the names of columns. Where some rows have no value, `NAME.present` says which have
    one; the others are NaN, false or an empty text. Raises NovaError.
    """
    lib = import_optional("numpy.lib.format", NUMPY_EXTRA)
    # numpy.savez takes the names as arguments, some of which are its own.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in _arrays(table).items():
            with archive.open(name + MEMBER_SUFFIX, "w", force_zip64=True) as member:
                lib.write_array(member, array, allow_pickle=False)


def _arrays(table: ColumnTable) -> dict[str, NDArray[Any]]:
    numpy = import_optional("numpy", NUMPY_EXTRA)
    arrays: dict[str, NDArray[Any]] = {table.time_name: table.times}
    present: dict[str, NDArray[Any]] = {}
    for name, kind in table.kinds.items():
        values = table[name]
        if isinstance(values, numpy.ma.MaskedArray):
            present[name] = ~numpy.ma.getmaskarray(values)
            values = values.filled(ABSENT_VALUES[kind])
        arrays[name] = _texts(name, values) if kind == "string" else values
    for name, rows in present.items():
        if name + PRESENT_SUFFIX in arrays:
            raise NovaError(
                f"{name + PRESENT_SUFFIX!r} would be two arrays of the npz file, the field and "
                f"which rows have {name!r}: read each into a file of its own, or {REMEDY}"
            )
        arrays[name + PRESENT_SUFFIX] = rows
    _check_names(arrays)
    return arrays


def _check_names(arrays: dict[str, NDArray[Any]]) -> None:
    for name in arrays:
        if "\0" in name:
            raise NovaError(
                f"the field {name!r} cannot be named in an npz file, which ends names at U+0000: "
                f"{REMEDY}"
            )
        if name + MEMBER_SUFFIX in arrays:
            raise NovaError(
                f"{name!r} and {name + MEMBER_SUFFIX!r} cannot be distinguished in an npz file: "
                f"read each into a file of its own, or {REMEDY}"
            )


def _texts(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """As an array of texts: one of objects could only be read by unpickling."""
    if any(text.endswith("\0") for text in set(values.tolist())):
        raise NovaError(
            f"a text of the field {name!r} ends with U+0000, which an npz file drops: {REMEDY}"
        )
    return values.astype(str)
