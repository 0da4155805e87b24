"""Rate limiting of view updates: only changed keys, and not too often.

An update is a partial upsert. A view emits the keys that changed, at most once a second of source
time. At the first report of every whole ten seconds it emits all keys reported since the last such
update, so that the age of a value on the screen shows whether its unit still reports. A change of
state (a value that is not a number) is emitted at once. Nothing older than these ten seconds
influences an update, so overlapping recordings produce the same updates again from twenty seconds
after a cut on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nova.sdk.errors import NovaError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest import ANY_KEY, NUMERIC, CardManifest
from nova.sdk.timestamps import NS_PER_SECOND

PERIOD_NS = NS_PER_SECOND * 9 // 10
"""Slightly below a second, so that a unit that reports about once a second is never delayed."""
FULL_PERIOD_NS = 10 * NS_PER_SECOND


class ViewError(NovaError):
    """There is no manifest for a view; the message lists the views that exist."""


@dataclass(slots=True)
class _ViewState:
    """The last emitted and the pending values of one entity's view."""

    manifest: CardManifest
    emitted_ns: int
    full_ns: int
    reported_ns: int
    values: dict[str, object] = field(default_factory=dict)
    pending: dict[str, object] = field(default_factory=dict)
    reported: dict[str, object] = field(default_factory=dict)


class ViewUpdates:
    """The views of one scope, with their manifests."""

    def __init__(
        self, observer: Observer, manifests: Mapping[str, CardManifest] | None = None
    ) -> None:
        self._observer = observer
        self._injected_manifests = manifests
        self._views: dict[tuple[Entity, str], _ViewState] = {}

    @cached_property
    def _manifests(self) -> Mapping[str, CardManifest]:
        if self._injected_manifests is not None:
            return self._injected_manifests
        return {one.manifest.view_id: one.manifest for one in manifest_files.load()}

    def manifest(self, view_id: str) -> CardManifest:
        """The manifest of a view; raises ViewError if there is none."""
        found = self._manifests.get(view_id)
        if found is None:
            known = ", ".join(sorted(self._manifests))
            raise ViewError(f"no manifest has the view {view_id!r}; known views: {known}")
        return found

    def update(
        self,
        observation: Observation,
        view_id: str,
        data: Mapping[str, object],
        entity: Entity | None = None,
    ) -> Iterator[Event]:
        """The update for an observation, if one is due; `entity` is the view's if it is not the
        observed one.

        Keys that the manifest lacks are dropped. A value that it forbids becomes null, because the
        previous value no longer holds.
        """
        manifest, now_ns = self.manifest(view_id), observation.at_ns
        name = (entity or observation.entity, view_id)
        view = self._views.get(name)
        if view is None or now_ns < view.emitted_ns - PERIOD_NS:
            # After a jump back in time, what was emitted for later times does not apply.
            before = now_ns - FULL_PERIOD_NS
            view = self._views[name] = _ViewState(manifest, before, before, before)
        update = _apply_report(view, _allowed(manifest, data), now_ns)
        if update:
            if name[0] != observation.entity:
                observation = self._observer.observe(name[0], now_ns)
            yield _event(observation, manifest, update)

    def flush(self) -> Iterator[Event]:
        """The pending updates at the end of a recording."""
        for (entity, _), view in self._views.items():
            if view.pending:
                # Two updates of a view at the same time would have no order.
                at_ns = view.reported_ns + (view.reported_ns == view.emitted_ns)
                observation = self._observer.observe(entity, at_ns)
                yield _event(observation, view.manifest, view.pending)
                view.pending = {}


def _apply_report(view: _ViewState, data: Mapping[str, object], now_ns: int) -> dict[str, object]:
    """Apply a report; returns the keys to emit now."""
    if now_ns < view.reported_ns:
        # Late by less than a period: it does not override values that are already known.
        data = {key: value for key, value in data.items() if key not in view.values}
    changed = {
        key: value
        for key, value in data.items()
        if key not in view.values or view.values[key] != value
    }
    view.reported_ns = max(view.reported_ns, now_ns)
    view.values.update(changed)
    view.pending.update(changed)
    view.reported.update(data)
    if now_ns <= view.emitted_ns:
        return {}
    if now_ns // FULL_PERIOD_NS > view.full_ns // FULL_PERIOD_NS:
        update, view.reported, view.full_ns = view.reported, {}, now_ns
        view.values = dict(update)
    elif now_ns - view.emitted_ns >= PERIOD_NS or _changes_state(view.manifest, view.pending):
        update = view.pending
    else:
        return {}
    view.pending, view.emitted_ns = {}, now_ns
    return update


def _changes_state(manifest: CardManifest, changed: Mapping[str, object]) -> bool:
    specs = (manifest.allowed_keys.get(key) for key in changed)
    return any(spec is not None and spec.type not in NUMERIC for spec in specs)


def _allowed(manifest: CardManifest, data: Mapping[str, object]) -> dict[str, object]:
    rules = manifest.rules
    allowed: dict[str, object] = {}
    for key, value in data.items():
        rule = rules.get(key) or rules.get(ANY_KEY)
        if rule is not None:
            allowed[key] = value if value is None or rule(value) is None else None
    return allowed


def _event(observation: Observation, manifest: CardManifest, data: Mapping[str, object]) -> Event:
    return observation.ui(manifest.view_id, manifest.manifest_id, manifest.manifest_version, data)
