"""Read a field over any span as a numpy array, and when it was greatest.

python examples/read_columns.py /path/of/archive
"""

import sys
from typing import Any

from nova.sdk import Columns, columns

ids = ["scope_id", "system_id", "container_id", "unique_id"]
battery: dict[str, Any] = dict(zip(ids, ["sat1", "bus", "eps", "battery"], strict=True))
request = Columns(**battery, lane="parsed", message_type="Battery", fields=["volts"])
table = columns(sys.argv[1], request)
volts = table["volts"]
top = volts.argmax()
print(f"{len(volts)} values, mean {volts.mean():.2f}, at most {volts[top]} at {table.times[top]}Z")
if table.behind:
    print(f"without events received after {table.complete_until}")
