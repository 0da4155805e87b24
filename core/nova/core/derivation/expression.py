"""Expressions in CEL, the Common Expression Language, with some functions of mathematics.

All numbers of inputs are doubles, and CEL converts none: `2.0 * x`, not `2 * x`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

from nova.core.derivation.derivation_errors import FormulaError
from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

EXPRESSION_MAX_CHARS = 4_096


def _number_or_nan(function: Callable[..., float]) -> Callable[..., float]:
    def call(*arguments: float) -> float:
        try:
            return float(function(*arguments))
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    return call


_MATHEMATICS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan2": math.atan2,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "pow": math.pow,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
FUNCTIONS = {name: _number_or_nan(function) for name, function in _MATHEMATICS.items()}
"""Without a result, as the root of a negative number, they are NaN: the row then has no value."""


def compile_expression(text: str) -> Callable[..., object]:
    """A function of the inputs by name; raises FormulaError with the place of a syntax error."""
    if len(text) > EXPRESSION_MAX_CHARS:
        raise FormulaError(
            f"the expression has {len(text)} characters, the limit is {EXPRESSION_MAX_CHARS}"
        )
    try:
        cel = import_optional("cel", "cel", "nova-truth")
    except NovaError as error:
        raise FormulaError(str(error)) from error
    try:
        program = cel.compile(text)
    except Exception as error:  # It names no base of its errors.
        raise FormulaError(str(error)) from None
    context = cel.Context(functions=FUNCTIONS)

    def evaluate(**inputs: object) -> object:
        context.update(inputs)
        return cast("object", program.execute(context))

    return evaluate
