"""Messages of recordings that a library has decoded, and the events that they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from nova.recordings import view_cards
from nova.recordings.equal_events import EqualEvents
from nova.recordings.field_units import FieldUnits
from nova.recordings.json_form import fields_of
from nova.recordings.recording import Step, event_step
from nova.recordings.view_cards import ViewCard
from nova.sdk import address as addresses
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer
from nova.sdk.producer.view_updates import ViewUpdates

DIGEST_CHARS = 6
NAME_MAX_CHARS = 128
NO_UNITS: Mapping[str, str] = MappingProxyType({})
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.:-]", re.ASCII)


class RecordedMessage(NamedTuple):
    """A message with its time, and the bytes of which it was decoded if there are any."""

    end_bytes: int
    place: str
    container_id: str
    unique_id: str
    kind: str
    fields: Mapping[str, object]
    at_ns: int
    frame: bytes | None = None
    units: Mapping[str, str] = NO_UNITS
    cards: Iterable[ViewCard] = ()
    is_parsed: bool = True


class MessageEvents:
    """Makes steps of messages: raw where there are bytes, parsed, units once, view updates."""

    def __init__(
        self, observer: Observer, system_id: str, views: ViewUpdates | None = None
    ) -> None:
        self._equal = EqualEvents(observer)
        self._system_id = system_id
        self._views = views
        self._units = FieldUnits()

    def step(self, found: RecordedMessage, note: str | None = None) -> Step:
        """The step of a message, or its problem if it cannot be published."""
        try:
            return event_step(found.end_bytes, found.place, self._events(found), note)
        except (EnvelopeError, TimestampError) as error:
            return Step(found.end_bytes, found.place, problem=str(error))

    def _events(self, found: RecordedMessage) -> Iterable[Event]:
        entity = Entity(self._system_id, id_of(found.container_id), id_of(found.unique_id))
        kind, fields = name_of(found.kind), fields_of(found.fields)

        def first(observation: Observation) -> Event:
            if found.frame is not None:
                return observation.raw(found.frame)
            return observation.parsed(kind, fields)

        if found.frame is None and not found.is_parsed:
            return
        observation, event = self._equal.observe(entity, found.at_ns, first)
        if found.frame is not None:
            yield event
        if not found.is_parsed:
            return
        yield from self._units.first(observation, kind, found.units)
        yield observation.parsed(kind, fields) if found.frame is not None else event
        yield from view_cards.view_updates(self._views, observation, found.cards)


def id_of(text: str) -> str:
    """A name as an id: a topic's slashes become -, and what an id cannot have becomes _, with a
    digest that keeps two names apart.
    """
    if addresses.is_id(text):
        return text
    if "-" not in text and addresses.is_id(topic := text.strip("/").replace("/", "-")):
        return topic
    kept = _NOT_ID.sub("_", text.strip("/"))[: addresses.ID_MAX_CHARS - DIGEST_CHARS - 1]
    return f"{kept}-{sha256(text.encode('utf-8', 'replace')).hexdigest()[:DIGEST_CHARS]}"


def name_of(text: str) -> str:
    """A name as a messageType: slashes become :, what else it cannot have becomes _."""
    return _NOT_NAME.sub("_", text.replace("/", ":"))[:NAME_MAX_CHARS] or "_"
