"""A table's text: its encoding, its lines in bounded memory, and its rows.

A row is one line, or several if a quoted cell contains line ends. An unclosed quote affects only
its own line.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nova.recordings.recording import RecordingError

LINE_MAX_BYTES = 1024 * 1024
QUOTED_LINES_MAX = 1_000
"""The most lines of one row."""
DELIMITERS = ",;\t"
BLANK = " "
UTF_8 = "utf-8-sig"
HEAD_BYTES = 16

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HELP = "give --encoding, for example cp1252, latin-1 or utf-16-le"
_UNCLOSED_QUOTE = "unexpected end of data"


class TextLine(NamedTuple):
    """A line with its end; `size_bytes` is set if it exceeds the limit, and `text` is then cut."""

    number: int
    end_bytes: int
    text: str
    size_bytes: int | None = None


class TableRow(NamedTuple):
    """The cells of a row, or the problem with it."""

    number: int
    end_bytes: int
    cells: list[str]
    problem: str | None = None
    is_cut: bool = False
    """Whether the file ends within this row, so that its last cell may lack its end."""


def detect_encoding(path: Path, given: str | None) -> str:
    """The given encoding, else that of a byte order mark, else UTF-8; raises RecordingError."""
    if given is not None:
        try:
            io.TextIOWrapper(io.BytesIO(), given).read()
        except (LookupError, UnicodeError, ValueError):
            raise RecordingError(f"--encoding {given[:64]!r} is not known to Python") from None
        return UTF_8 if codecs.lookup(given).name == "utf-8" else given
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) == HEAD_BYTES and (not any(head[1::2]) or not any(head[::2])):
        raise RecordingError(f"{path} is not UTF-8 (every other byte is 0): {_HELP}")
    return UTF_8


class TableText:
    """The lines of a table, numbered from 1; `put_back` returns lines to it."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.encoding = encoding
        self._file = file
        # Undecodable bytes pass through, so that only their own row is refused.
        errors = "surrogateescape" if encoding == UTF_8 else "replace"
        self._text = io.TextIOWrapper(file, encoding, errors, newline="")
        self._back: deque[TextLine] = deque()
        self._number = 0

    def next(self) -> TextLine | None:
        """The next line, None at the end. Lines end with LF, CR LF or CR."""
        return self._back.popleft() if self._back else self._read()

    def put_back(self, lines: list[TextLine]) -> None:
        """Make `next` return these lines again."""
        self._back.extendleft(reversed(lines))

    def check(self, text: str, number: int) -> str | None:
        """The problem if a text is not valid in this encoding, else None."""
        is_utf_8 = self.encoding == UTF_8
        if text.isascii() or not (_has_surrogates(text) if is_utf_8 else "\ufffd" in text):
            return None
        name = "UTF-8" if is_utf_8 else self.encoding
        return f"line {number} is not {name}: {_HELP}"

    def _read(self) -> TextLine | None:
        try:
            text = piece = self._text.readline(LINE_MAX_BYTES + 2)
            size = _size(piece)
            while piece and not piece.endswith(("\n", "\r")):
                piece = self._text.readline(LINE_MAX_BYTES)
                size += _size(piece)
        except UnicodeError as error:
            raise RecordingError(f"the table is not {self.encoding}: {error}; {_HELP}") from None
        if not text:
            return None
        self._number += 1
        end_bytes = self._file.tell()
        size -= len(piece) - len(piece.rstrip("\r\n"))
        if size <= LINE_MAX_BYTES:
            return TextLine(self._number, end_bytes, text)
        return TextLine(self._number, end_bytes, text[:64], size)


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def delimiter_of(header: str) -> str:
    """The most frequent of DELIMITERS in a line; the blank if it has none of them."""
    sign = max(DELIMITERS, key=header.count)
    return sign if sign in header else BLANK


def cells_of(lines: list[str], delimiter: str) -> list[str]:
    """The cells of one row; raises csv.Error. Consecutive blanks are one delimiter."""
    if delimiter == BLANK:
        lines = [line.replace("\t", BLANK).strip() for line in lines]
    # Strict: an unclosed quote is an error instead of a row of half the file.
    reader = csv.reader(
        lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter == BLANK
    )
    return [cell.strip() for row in reader for cell in row]


def rows(text: TableText, delimiter: str) -> Iterator[TableRow]:
    """The remaining rows; empty lines are skipped."""
    while (line := text.next()) is not None:
        if line.size_bytes is not None:
            problem = f"the line has {line.size_bytes} bytes; the limit is {LINE_MAX_BYTES}"
            yield TableRow(line.number, line.end_bytes, [], problem)
        elif line.text.strip():
            yield _row(line, text, delimiter)


def _is_cut(line: TextLine) -> bool:
    """Whether a line has no end, where others have one, and no quote closes its last cell."""
    return line.number > 1 and not line.text.endswith(("\n", "\r", '"'))


def _row(first: TextLine, text: TableText, delimiter: str) -> TableRow:
    row_lines = [first]
    problem = ""
    for line in chain((first,), iter(text.next, None)):
        if line is not first:
            row_lines.append(line)
            if '"' not in line.text and len(row_lines) < QUOTED_LINES_MAX:
                continue
        try:
            cells = cells_of([one.text for one in row_lines], delimiter)
            return TableRow(
                first.number, row_lines[-1].end_bytes, cells, is_cut=_is_cut(row_lines[-1])
            )
        except csv.Error as error:
            problem = str(error)
        size = sum(len(one.text) for one in row_lines)
        if (
            problem != _UNCLOSED_QUOTE
            or len(row_lines) >= QUOTED_LINES_MAX
            or size > LINE_MAX_BYTES
        ):
            break
    text.put_back(row_lines[1:])
    return TableRow(first.number, first.end_bytes, [], f"not a CSV row: {problem}")
