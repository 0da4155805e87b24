"""What a task works for: members that each of its log lines has, such as user and commandId."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=_NOTHING)


def current() -> Mapping[str, str]:
    """The members that lines of this task have."""
    return _bound.get()


def bind(**members: str | None) -> None:
    """Add members to all lines that this task, and tasks that it starts later, log from now on;
    None adds nothing.
    """
    _bound.set(_joined(members))


@contextmanager
def bound(**members: str | None) -> Iterator[None]:
    """Add members to the lines that are logged within a block."""
    token = _bound.set(_joined(members))
    try:
        yield
    finally:
        _bound.reset(token)


def ids_of(request: object) -> dict[str, str]:
    """The members of a request that say what it is about."""
    names = {"scopeId": "scope_id", "commandId": "command_id", "eventId": "event_id"}
    found = {member: getattr(request, name, None) for member, name in names.items()}
    return {member: value for member, value in found.items() if isinstance(value, str)}


def _joined(members: Mapping[str, str | None]) -> dict[str, str]:
    return {
        **_bound.get(),
        **{name: value for name, value in members.items() if value is not None},
    }
