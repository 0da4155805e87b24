"""Functions of derived telemetry, registered in `nova.derived` by pyproject.toml.

pip install ./examples; nova derive check examples/definitions
NOVA_DEFINITIONS=examples/definitions nova up --scope sat1 --data /path/of/archive
"""

import numpy as np
from numpy.typing import NDArray


def kilowatts(watts: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column from a column: each row's value depends on that row alone."""
    return watts / 1_000.0
