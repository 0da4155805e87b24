"""Formulas: from the values of the inputs to the values of the output, row by row or in columns.

A row for which a formula fails, or whose result is not of the output's kind, has no value and is
counted. A result None, and NaN of a vectorised function, means no value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

import numpy as np

from nova.core.definitions.definition import Definition, InputKind
from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.expression import compile_expression
from nova.core.store.column import Mask
from nova.core.store.column_codec import Numbers
from nova.sdk import plugins
from nova.sdk.errors import NovaError

PLUGIN_GROUP = "nova.derived"

Cells = Numbers | Mask | Sequence[object]
RowFunction = Callable[..., object]
REASON_CHARS = 300
ZERO = 0.0
"""Added to results, it makes 0 of -0: both have the same eventId, so either would be stored."""


class Outcome(NamedTuple):
    """The values of the output, None where there is none; how many rows failed, and why one did."""

    values: list[float | str | bool | None]
    failures: int = 0
    reason: str = ""


class Formula(Protocol):
    """What computes a definition's output."""

    def evaluate(self, inputs: Mapping[str, Cells], rows: int) -> Outcome:
        """The output for rows of which each input has as many values."""


def load_formula(definition: Definition) -> Formula:
    """The formula of a definition; raises FormulaError."""
    kind = definition.output.kind
    if definition.expression is not None:
        return RowFormula(compile_expression(definition.expression), kind)
    function = load_function(definition.function or "")
    return ColumnFormula(function, kind) if definition.vectorised else RowFormula(function, kind)


def load_function(name: str) -> RowFunction:
    """A function by its entry point; raises FormulaError that lists the known ones."""
    known = plugins.names(PLUGIN_GROUP)
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise FormulaError(f"no entry point {name!r} in {PLUGIN_GROUP}; installed: {listed}")
    try:
        found: object = plugins.load(PLUGIN_GROUP, name)
    except NovaError as error:
        raise FormulaError(str(error)) from error
    except Exception as error:  # An import runs code, which may raise anything.
        raise FormulaError(f"{name}: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise FormulaError(f"entry point {name!r} of {PLUGIN_GROUP} is not a function")
    return found


class RowFormula:
    """A function of one row."""

    def __init__(self, function: RowFunction, kind: InputKind) -> None:
        self._function = function
        self._kind = kind

    def evaluate(self, inputs: Mapping[str, Cells], rows: int) -> Outcome:
        columns = [_plain(column) for column in inputs.values()]
        values: list[float | str | bool | None] = []
        failures, reason = 0, ""
        for cells in zip(*columns, strict=True):
            try:
                result = self._function(**dict(zip(inputs, cells, strict=True)))
                values.append(checked_value(result, self._kind))
            except MemoryError:
                raise
            except Exception as error:  # The user's code may raise anything.
                failures += 1
                reason = reason or _reason(error)
                values.append(None)
        return Outcome(values, failures, reason)


class ColumnFormula:
    """A function of columns. A row's value must depend on that row alone."""

    def __init__(self, function: RowFunction, kind: InputKind) -> None:
        self._function = function
        self._kind = kind

    def evaluate(self, inputs: Mapping[str, Cells], rows: int) -> Outcome:
        """If the function fails, the halves are tried, down to the rows that make it fail."""
        if not rows:
            return Outcome([])
        try:
            return self._evaluate(inputs, rows)
        except MemoryError:
            raise
        except Exception as error:  # The user's code may raise anything.
            if rows == 1:
                return Outcome([None], 1, _reason(error))
        middle = rows // 2
        first = self.evaluate({name: one[:middle] for name, one in inputs.items()}, middle)
        second = self.evaluate({name: one[middle:] for name, one in inputs.items()}, rows - middle)
        return Outcome(
            first.values + second.values,
            first.failures + second.failures,
            first.reason or second.reason,
        )

    def _evaluate(self, inputs: Mapping[str, Cells], rows: int) -> Outcome:
        with np.errstate(all="ignore"):
            result = np.asarray(self._function(**inputs))
        if result.shape != (rows,):
            raise TypeError(f"it returned the shape {result.shape} for columns of {rows} rows")
        if self._kind != "number" or result.dtype.kind not in "fiub":
            return _checked_all(result.tolist(), self._kind)
        numbers = result.astype(np.float64) + ZERO
        infinite = int(np.isinf(numbers).sum())
        values = cast("list[float | str | bool | None]", numbers.tolist())
        for place in np.flatnonzero(~np.isfinite(numbers)).tolist():
            values[place] = None
        return Outcome(values, infinite, "the result is infinite" if infinite else "")


def _checked_all(results: Sequence[object], kind: InputKind) -> Outcome:
    values: list[float | str | bool | None] = []
    failures, reason = 0, ""
    for result in results:
        try:
            values.append(checked_value(result, kind))
        except (TypeError, ValueError) as error:
            failures += 1
            reason = reason or _reason(error)
            values.append(None)
    return Outcome(values, failures, reason)


def checked_value(result: object, kind: InputKind) -> float | str | bool | None:
    """A result as a value of an output; raises TypeError or ValueError if it is
    of another kind."""
    if result is None:
        return None
    if kind == "boolean" and isinstance(result, bool | np.bool_):
        return bool(result)
    if kind == "text" and isinstance(result, str):
        result.encode()  # A lone surrogate has no UTF-8 form.
        return result
    is_number = isinstance(result, int | float | np.number) and not isinstance(result, bool)
    if kind == "number" and is_number:
        number = float(cast("float", result))
        if not math.isfinite(number):
            raise TypeError(f"the result is {number}, which has no JSON form")
        return number + ZERO
    raise TypeError(f"the result is a {type(result).__name__}, the output's kind is {kind}")


def _plain(column: Cells) -> Iterator[object]:
    return iter(column.tolist() if isinstance(column, np.ndarray) else column)


def _reason(error: Exception) -> str:
    """Why it failed; a user's exception may not even have a text, or one without UTF-8 form."""
    name = type(error).__name__
    try:
        text = str(error) or name
    except Exception:
        text = "its text cannot be read"
    return sent_text(f"{name}: {text}"[:REASON_CHARS])


def sent_text(text: str) -> str:
    """Text with a UTF-8 form: lone surrogates are escaped."""
    return text.encode(errors="backslashreplace").decode()
