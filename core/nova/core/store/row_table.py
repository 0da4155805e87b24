"""Tables of bytes: texts of one width, a line each, for what is compared or computed in columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RowTable = NDArray[np.uint8]


def table(data: bytes, width: int) -> RowTable:
    """Bytes as lines of a width."""
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def lines(rows: RowTable) -> list[bytes]:
    """The lines of a table."""
    data, width = rows.tobytes(), rows.shape[1]
    return [data[at : at + width] for at in range(0, len(data), width)]
