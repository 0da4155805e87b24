"""Whether a definition's formula can be loaded and fits its inputs and its output. It runs users'
functions, so it is for a process of formulas.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator

import numpy as np

from nova.core.definitions.definition import Definition, InputSpec
from nova.core.definitions.definition_rules import Fault
from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.expression import compile_expression
from nova.core.derivation.formula import (
    RowFunction,
    checked_value,
    load_formula,
    load_function,
    sent_text,
)

SAMPLES: dict[str, object] = {"number": 1.0, "text": "text", "boolean": True}


def formula_faults(definition: Definition) -> Iterator[Fault]:
    """The faults of a definition's formula. It is tried with a value of each input; what may depend
    on the values is no fault.
    """
    if definition.expression is not None:
        yield from _expression_faults(definition, definition.expression)
        return
    try:
        load_formula(definition)
        function = load_function(definition.function or "")
    except FormulaError as error:
        remedy = "Install the package that registers it, or correct the name"
        yield Fault("function", "unknown", str(error), remedy)
        return
    try:
        inspect.signature(function).bind(**definition.inputs)
    except TypeError as error:
        remedy = "Name the inputs as the function's parameters"
        yield Fault("inputs", "mismatch", f"the function takes others: {error}", remedy)
        return
    except ValueError:  # It has no signature, as some written in C.
        pass
    yield from _trial_faults(definition, function)


def _trial_faults(definition: Definition, function: RowFunction) -> Iterator[Fault]:
    samples = {name: _sample(spec) for name, spec in definition.inputs.items()}
    try:
        if definition.vectorised:
            result = _of_one_row(function(**{name: _column(one) for name, one in samples.items()}))
        else:
            result = function(**samples)
        checked_value(_finite(result), definition.output.kind)
    except TypeError as error:
        remedy = "Correct the function, or give input and output the right `kind`"
        yield Fault("function", "mismatch", sent_text(str(error)), remedy)
    except MemoryError:
        raise
    except Exception:  # It may depend on the values.
        return


def _column(sample: object) -> object:
    return [sample] if isinstance(sample, str) else np.array([sample])


def _of_one_row(result: object) -> object:
    column = np.asarray(result)
    if column.shape != (1,):
        raise TypeError(f"it returned the shape {column.shape} for columns of 1 row")
    value: object = column.tolist()[0]
    return None if value != value else value  # NaN is no value.


def _expression_faults(definition: Definition, text: str) -> Iterator[Fault]:
    try:
        evaluate = compile_expression(text)
    except FormulaError as error:
        yield Fault("expression", "malformed", str(error), "Correct its syntax (CEL)")
        return
    try:
        result = evaluate(**{name: _sample(spec) for name, spec in definition.inputs.items()})
        checked_value(_finite(result), definition.output.kind)
    except TypeError as error:
        remedy = "Write numbers as 2.0, and give input and output the right `kind`"
        yield Fault("expression", "mismatch", str(error), remedy)
    except RuntimeError as error:
        if "Undefined" in str(error):
            known = ", ".join(definition.inputs)
            rule = str(error).split(". ")[0]
            yield Fault("expression", "unknown", rule, f"The inputs are {known}")
    except Exception:  # It may depend on the values.
        return


def _sample(spec: InputSpec) -> object:
    value = SAMPLES[spec.kind]
    return [value] if spec.is_window and spec.aggregate is None else value


def _finite(result: object) -> object:
    """Whether a number is finite depends on the values."""
    return 0.0 if isinstance(result, float) and not math.isfinite(result) else result
