"""A driver: writes the voltages of batteries as CSV, in daily files and in exports.

pip install ./examples; NOVA_DRIVERS=battery,jsonl nova up --scope sat1 --data /path/of/archive
nova export --data /path/of/archive --from 2026-01-31T12:00:00Z --driver battery --out range.zip
"""

import csv
import io
import json
from collections.abc import Sequence

from nova.sdk import Driver, DriverFile, DriverStream, stem_of


class BatteryCsv(Driver):
    """One file for each battery, with a row for each event."""

    driver_id = "battery"
    version = "1.0.0"  # A change of the bytes that it writes is a new version.
    lanes = frozenset({"parsed"})
    message_types = frozenset({"Battery"})

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """The names of the stream's files."""
        return (f"{stem_of(stream)}.battery.csv",)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """The bytes to append. They depend on the file's events only: not on the clock, and not on
        how many events come in one call.
        """
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        if file.events == 0 and events:
            rows.writerow(["time", "volts"])
        for stored in events:
            event = json.loads(stored)
            rows.writerow([event["sourceTruthTime"], event["payload"].get("volts")])
        return (out.getvalue().encode(),)
