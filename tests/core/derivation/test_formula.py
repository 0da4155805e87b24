"""Formulas: results of rows and of columns, and the rows that fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nova.core.definitions.definition import InputKind
from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.expression import EXPRESSION_MAX_CHARS, compile_expression
from nova.core.derivation.formula import ColumnFormula, RowFormula, load_formula
from tests.core.derivation.deriving import definition_of


def test_an_expression_makes_values_and_counts_the_rows_that_have_none() -> None:
    """What has no JSON form has no value, and each failure of a row is of that row alone."""
    formula = load_formula(definition_of(expression="sqrt(volts) / amps"))
    inputs = {"volts": np.array([4.0, -1.0, 9.0, 1.0]), "amps": np.array([2.0, 1.0, -3.0, 0.0])}
    found = formula.evaluate(inputs, 4)
    assert found.values == [1.0, None, -1.0, None]
    assert found.failures == 2 and "nan" in found.reason


@pytest.mark.parametrize(
    ("kind", "expression", "value"),
    [
        ("text", "volts > 28.0 ? 'high' : 'low'", "high"),
        ("boolean", "volts > 28.0 && amps < 1.0", False),
        ("number", "volts > 28.0 ? 1.0 : 0.0", 1.0),
        ("number", "int(volts) + 1", 30.0),
        ("number", "abs(atan2(0.0, -volts)) - pow(2.0, amps)", math.pi - 4.0),
    ],
)
def test_results_are_of_the_kind_of_the_output(
    kind: InputKind, expression: str, value: Any
) -> None:
    evaluate = compile_expression(expression)
    inputs = {"volts": np.array([29.0]), "amps": np.array([2.0])}
    assert RowFormula(evaluate, kind).evaluate(inputs, 1).values == [value]
    others = {"number", "text", "boolean"} - {kind}
    for other in others:
        found = RowFormula(evaluate, other).evaluate(inputs, 1)  # type: ignore[arg-type]
        assert (found.values, found.failures) == ([None], 1)


def zero(volts: Any, amps: Any) -> Any:
    return -0.0 * volts * amps


@pytest.mark.parametrize("make", [RowFormula, ColumnFormula])
def test_there_is_one_zero(make: Callable[..., RowFormula | ColumnFormula]) -> None:
    """Events of 0 and -0 have the same eventId, so the first to arrive would decide."""
    inputs = {"volts": np.array([1.0]), "amps": np.array([1.0])}
    (value,) = make(zero, "number").evaluate(inputs, 1).values
    assert value == 0.0 and math.copysign(1.0, float(value)) == 1.0


def test_columns_fail_row_by_row() -> None:
    """Whatever the rows beside them are, and however many there are."""

    def guarded(volts: Any, amps: Any) -> Any:
        if (volts < 0).any():
            raise ValueError("negative")
        return volts / amps

    volts = np.array([1.0, -1.0, 2.0, 3.0, -2.0, 0.0, 5.0])
    amps = np.array([1.0, 1.0, 0.0, 2.0, 1.0, 0.0, 4.0])
    found = ColumnFormula(guarded, "number").evaluate({"volts": volts, "amps": amps}, 7)
    assert found.values == [1.0, None, None, 1.5, None, None, 1.25]
    assert found.failures == 3  # Two are negative and one is infinite; NaN is no value.
    texts = ColumnFormula(lambda mode: [one.upper() for one in mode], "text")
    assert texts.evaluate({"mode": ["on", "off"]}, 2).values == ["ON", "OFF"]


def test_a_long_expression_is_refused() -> None:
    with pytest.raises(FormulaError, match="the limit is"):
        compile_expression("1.0" + " + 1.0" * EXPRESSION_MAX_CHARS)


class UnreadableError(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize("make", [RowFormula, ColumnFormula])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad \ud800"), "ValueError: bad \\ud800"),
        (UnreadableError(), "UnreadableError: its text cannot be read"),
    ],
)
def test_any_exception_has_a_reason_that_can_be_sent(
    make: Callable[..., RowFormula | ColumnFormula], error: Exception, reason: str
) -> None:
    """Its row fails, and nothing else."""

    def fail(volts: Any, amps: Any) -> Any:
        raise error

    inputs = {"volts": np.array([1.0]), "amps": np.array([1.0])}
    found = make(fail, "number").evaluate(inputs, 1)
    assert found.reason.encode() == reason.encode()
    assert (found.values, found.failures) == ([None], 1)
