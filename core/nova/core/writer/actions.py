"""Checks a command's arguments against the actions in the manifests of its target's views."""

from __future__ import annotations

from collections.abc import Iterator

from nova.core.errors import RequestError
from nova.core.writer.command_targets import CommandTarget
from nova.core.writer.committer import Committer
from nova.core.writer.in_effect import InEffect
from nova.sdk import timestamps
from nova.sdk.manifests.manifest import Action, CardManifest, argument_problem
from nova.sdk.protocol.submission import SubmitCommand

UI_UPDATE = "UiUpdate"


class ArgumentChecker:
    """The actions in effect now, from this instance's manifests and those that the command's scope
    publishes.
    """

    def __init__(self, committer: Committer, in_effect: InEffect) -> None:
        self._committer = committer
        self._in_effect = in_effect

    def check(self, request: SubmitCommand, target: CommandTarget) -> None:
        """Raise RequestError if views of the target have an action for the command but none accepts
        these arguments. A command without an action has no schema.
        """
        problem: str | None = None
        for action in self._matching_actions(request, target):
            problem = argument_problem(action, request.payload)
            if problem is None:
                return
        if problem is not None:
            raise RequestError("badArguments", problem)

    def _matching_actions(self, request: SubmitCommand, target: CommandTarget) -> Iterator[Action]:
        views = self._views(request.scope_id, target)
        if not views:
            return
        for view_id, manifest in self._newest_manifests(request.scope_id).items():
            if view_id in views:
                for action in manifest.actions:
                    if action.command_type == request.command_type:
                        yield action

    def _views(self, scope_id: str, target: CommandTarget) -> set[str]:
        """The ids of the views that the target has ever updated."""
        table = self._committer.series
        names = (table.names[number] for number in table.of_unique_id(target.unique_id))
        return {
            one.view_id
            for one in names
            if (one.scope_id, one.system_id, one.container_id)
            == (scope_id, target.system_id, target.container_id)
            and one.message_type == UI_UPDATE
        }

    def _newest_manifests(self, scope_id: str) -> dict[str, CardManifest]:
        """By view id, the manifest in effect with the latest effectiveTime, then version."""
        known = self._in_effect
        scopes = (known.own_scope, scope_id)
        newest: dict[str, CardManifest] = {}
        for manifest in known.published.manifests(known.now(), scopes):
            other = newest.get(manifest.view_id)
            if other is None or _rank(manifest) > _rank(other):
                newest[manifest.view_id] = manifest
        return newest


def _rank(manifest: CardManifest) -> tuple[int, tuple[int, ...]]:
    return timestamps.parse(manifest.effective_time), _version(manifest)


def _version(manifest: CardManifest) -> tuple[int, ...]:
    return tuple(map(int, manifest.manifest_version.partition("-")[0].split(".")))
