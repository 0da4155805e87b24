"""What every instance has published by itself before anybody else has: the manifests that ship."""

from __future__ import annotations

from sdk import manifest_files
from sdk.protocol import Filters

MANIFESTS = len(manifest_files.load())

TOLD_BY_OTHERS = Filters(lanes=["command", "ui", "parsed", "raw"])
"""All but metadata."""
