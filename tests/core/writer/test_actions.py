"""Actions: arguments of commands are checked by the manifests of a target's views."""

from __future__ import annotations

import msgspec
import pytest

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.writer.actions import ArgumentChecker
from nova.core.writer.command_targets import CommandTarget
from nova.core.writer.committer import Committer
from nova.core.writer.in_effect import InEffect
from nova.core.writer.manifest_events import published_event
from nova.sdk.events.observation import Observer, record_of
from nova.sdk.manifests.manifest import Action, ArgumentSpec, CardManifest, KeySpec
from nova.sdk.transport.base import Batch, Record
from tests.core.commanding import HEATER, SCOPE, command

OWN_SCOPE = "ground"
TARGET = CommandTarget(*HEATER, None)
POWER = ArgumentSpec(type="number", minimum=0, maximum=10, required=True)
LABEL = ArgumentSpec(type="string")


def manifest(
    version: str = "1.0.0",
    power: ArgumentSpec = POWER,
    *,
    view_id: str = "heater",
    effective_time: str = "1970-01-01T00:00:00Z",
) -> CardManifest:
    """A card with one action."""
    action = Action(
        command_type="heater.set", title="Set", arguments={"power": power, "label": LABEL}
    )
    return CardManifest(
        manifest_id=view_id,
        manifest_version=version,
        view_id=view_id,
        entity_type=view_id,
        title=view_id,
        allowed_keys={"on": KeySpec(type="boolean")},
        actions=[action],
        effective_time=effective_time,
    )


def show(committer: Committer, *views: str) -> None:
    """Let the heater update these views."""
    observer = Observer(SCOPE)
    updates = [observer.observe(HEATER).ui(view, view, "1.0.0", {"on": True}) for view in views]
    committer.add_batch("link", Batch([record_of(update) for update in updates]))
    committer.close_commit()


def publish(committer: Committer, told: CardManifest) -> None:
    """Let the scope publish a manifest."""
    committer.add_batch("link", Batch([Record(None, published_event(told, SCOPE).body)]))
    committer.close_commit()


def actions_of(
    committer: Committer, *own: CardManifest, timebase: Timebase = "source"
) -> ArgumentChecker:
    """The actions of an instance that has published these manifests."""
    committer.record_all([published_event(one, OWN_SCOPE) for one in own])
    committer.close_commit()
    return ArgumentChecker(committer, InEffect(committer, timebase, OWN_SCOPE))


def refusal(actions: ArgumentChecker, **payload: object) -> str | None:
    """Why these arguments are refused, None if they are taken."""
    try:
        actions.check(command(payload=payload), TARGET)
    except RequestError as error:
        assert error.code == "badArguments"
        return error.message
    return None


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"power": 4.5}, None),
        ({"power": 4, "label": "dusk"}, None),
        ({}, "power"),
        ({"power": 11}, "power"),
        ({"power": "much"}, "power"),
        ({"power": True}, "power"),
        ({"power": 1, "label": 7}, "label"),
        ({"power": 1, "other": 7}, "other"),
    ],
    ids=lambda value: msgspec.json.encode(value).decode(),
)
def test_arguments_are_checked(
    committer: Committer, payload: dict[str, object], named: str | None
) -> None:
    """Required ones are there, no others, each of its type and in its range."""
    show(committer, "heater")
    reason = refusal(actions_of(committer, manifest()), **payload)
    assert (reason is None) if named is None else (reason is not None and f"'{named}'" in reason)


def test_a_command_that_no_view_of_the_target_offers_has_no_schema(committer: Committer) -> None:
    """Manifests say nothing of entities that do not show themselves by them."""
    actions = actions_of(committer, manifest(view_id="camera"))
    assert refusal(actions) is None
    show(committer, "heater")
    assert refusal(actions) is None


def test_what_a_scope_publishes_counts_from_its_time_on(committer: Committer) -> None:
    """On ground the manifests of a payload come as its events; the newest in effect decides."""
    show(committer, "heater")
    actions = actions_of(committer)
    publish(committer, manifest())
    assert refusal(actions, power=11) is not None
    wider = ArgumentSpec(type="number", maximum=20, required=True)
    publish(committer, manifest("1.1.0", wider, effective_time="2120-01-01T00:00:00Z"))
    assert refusal(actions, power=11) is not None
    publish(committer, manifest("1.2.0", wider, effective_time="2020-01-01T00:00:00Z"))
    assert refusal(actions, power=11) is None


def test_of_one_time_the_higher_version_decides(committer: Committer) -> None:
    """By number, not by letter: 1.10.0 is after 1.9.0."""
    show(committer, "heater")
    strict = ArgumentSpec(type="number", maximum=1, required=True)
    publish(committer, manifest("1.10.0", strict))
    publish(committer, manifest("1.9.0"))
    assert refusal(actions_of(committer), power=5) is not None


def test_one_of_several_views_is_enough(committer: Committer) -> None:
    """A target with two cards takes what either of them offers."""
    show(committer, "heater", "panel")
    other = ArgumentSpec(type="string", required=True)
    actions = actions_of(committer, manifest(), manifest(power=other, view_id="panel"))
    assert refusal(actions, power=5) is None
    assert refusal(actions, power="much") is None
    assert refusal(actions, power=True) is not None
