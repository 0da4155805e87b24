"""What the status says of definitions at work."""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.derivation.followed_definitions import FollowedDefinitions
from nova.core.derivation.live_definition import LiveDefinition
from nova.sdk import timestamps
from nova.sdk.protocol.health import ConfiguredFiles, ConfiguredPart
from nova.sdk.timestamps import NS_PER_SECOND

SLOW_S = 1.0
"""An evaluation that takes longer, of the rows of one pass, is slow."""

BEHIND_S = 5.0
"""A definition that is less behind is said to be at the present."""


def configured_definitions(
    live: Sequence[LiveDefinition], watermark: int, files: FollowedDefinitions
) -> ConfiguredFiles:
    """The definitions in effect with the state of each, and the faults of their files."""
    return ConfiguredFiles(
        kind="definitions",
        path=str(files.folder),
        in_effect=len(live),
        read_time=files.read_time or None,
        faults=files.faults,
        parts=[_part(one, watermark) for one in live],
    )


def _part(one: LiveDefinition, watermark: int) -> ConfiguredPart:
    health = one.health
    slowest_s = health.slowest_s()
    behind_s = max(0, watermark - one.position_ns) / NS_PER_SECOND
    is_slow = health.state == "running" and slowest_s >= SLOW_S
    return ConfiguredPart(
        name=one.definition.name,
        state="slow" if is_slow else health.state,
        time=timestamps.text(health.output_ns) if health.output_ns else None,
        reason=health.reason or None,
        slowest_s=round(slowest_s, 3) if slowest_s >= SLOW_S else None,
        behind_s=round(behind_s, 1) if behind_s >= BEHIND_S else None,
    )
