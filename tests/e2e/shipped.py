"""The events that every instance publishes at its start: the shipped manifests."""

from __future__ import annotations

from nova.sdk.manifests import manifest_files
from nova.sdk.protocol.messages import Filters

MANIFESTS = len(manifest_files.load())

TOLD_BY_OTHERS = Filters(lanes=["command", "ui", "parsed", "raw"])
"""All but metadata."""
