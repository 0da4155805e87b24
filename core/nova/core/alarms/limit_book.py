"""Limit books: the limits of all manifests, by which view updates that name one are judged."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from nova.core.alarms.rule_judge import RuleJudge, judge_of_limits
from nova.core.effect.history import EventTimes
from nova.core.ordering import TIMEBASES, Timebase
from nova.sdk.manifests.key_spec import Limits
from nova.sdk.manifests.manifest import CardManifest

NO_LIMITS = judge_of_limits(Limits())
"""Judges values of keys without limits, and of unknown manifests: in limits."""

ManifestName = tuple[str, str]
"""Id and version."""


class _Manifest(NamedTuple):
    is_own: bool
    effective_ns: dict[Timebase, int]
    judges: dict[str, RuleJudge]


class LimitBook:
    """The first manifest under an id and version counts, the instance's own before others."""

    def __init__(self, own_scope: str) -> None:
        self._own_scope = own_scope
        self._manifests: dict[ManifestName, _Manifest] = {}
        self._keys: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, scope_id: str, times: EventTimes, manifest: CardManifest) -> bool:
        """Add a manifest; returns whether it decides about values."""
        name = (manifest.manifest_id, manifest.manifest_version)
        is_own = scope_id == self._own_scope
        known = self._manifests.get(name)
        if known is not None and (known.is_own or not is_own):
            return False
        judges = {
            key: judge_of_limits(spec.limits)
            for key, spec in manifest.allowed_keys.items()
            if spec.limits is not None
        }
        effective_ns = {timebase: times.order(timebase)[0] for timebase in TIMEBASES}
        self._manifests[name] = _Manifest(is_own, effective_ns, judges)
        self._keys[manifest.view_id].update(judges)
        return bool(judges) or known is not None

    def keys(self, view_id: str) -> set[str]:
        """The keys of a view to which any manifest gives limits."""
        return self._keys.get(view_id, set())

    def judge(self, timebase: Timebase, name: ManifestName, key: str, time_ns: int) -> RuleJudge:
        """What judges a key of an update that names a manifest."""
        manifest = self._manifests.get(name)
        if manifest is None or manifest.effective_ns[timebase] > time_ns:
            return NO_LIMITS
        return manifest.judges.get(key, NO_LIMITS)
