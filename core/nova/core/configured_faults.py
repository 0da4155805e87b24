"""Faults of files as the status lists them."""

from __future__ import annotations

from collections.abc import Sequence

FAULTS_MAX = 50


def listed_faults(faults: Sequence[str]) -> list[str]:
    """The first faults, and how many more there are."""
    more = len(faults) - FAULTS_MAX
    return [*faults[:FAULTS_MAX], *([f"and {more} more faults"] if more > 0 else [])]
