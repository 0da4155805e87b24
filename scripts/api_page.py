"""Print docs/api.md: the public API with signatures and docstrings (`make api`)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import ForwardRef, Protocol

from nova import sdk
from nova.hardware import device

HEAD = """\
# API

The public API of `nova.sdk`, made from its `__all__` by `make api`. How to use it, with examples: \
[Python](python.md). Requests and replies of the protocol, with all their members: \
[protocol](protocol.md).
"""
SECTIONS = {
    "Publish": "Producer Retry Entity Observation Event check record_of",
    "Read": (
        "Client login Query Filters Columns ColumnTable EventTable StreamChunk StreamGap "
        "SubmitCommand"
    ),
    "Without an event loop": "BlockingProducer BlockingClient columns",
    "Transports": (
        "connect Transport Record Receipt Rejection Batch Gap Subscription LinkState LinkHealth"
    ),
    "Drivers": "Driver SealedDriver DriverFile DriverStream stem_of",
    "Times and addresses": "timestamps address",
    "Errors": (
        "NovaError AddressError TimestampError EnvelopeError TransportError NotSentError "
        "ProtocolError ValidationError AuthenticationError AuthorizationError "
        "NotFoundError RateLimitError ServiceError ConnectionLostError DriverError"
    ),
}
MADE_BY_METHODS = ("BlockingClient", "Client", "ColumnTable", "Observation")
"""Classes whose constructors are not for users."""

DEVICE_HEAD = """\
## Devices

Of `nova.hardware.device`, for [devices](hardware.md#write-a-device).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += (_entry(name, getattr(sdk, name)) for name in names.split())
    parts.append(DEVICE_HEAD)
    parts += (_entry(name, found) for name, found in _own_of(device) if isinstance(found, type))
    return "\n".join(parts)


def _entry(name: str, found: object) -> str:
    text = _text(found)
    if isinstance(found, ModuleType):
        return f"### `{name}`\n\n{text}\n\n" + _members(_own_of(found))
    if not isinstance(found, type):
        return f"### `{name}{_signature(found)}`\n\n{text}\n"
    if issubclass(found, Exception):
        base = found.__bases__[0].__name__
        return f"### `{name}({base})`\n\n{text}\n"
    is_called = name not in MADE_BY_METHODS and Protocol not in found.__bases__
    code = f"```python\n{name}{_signature(found)}\n```\n\n" if is_called else ""
    return f"### `{name}`\n\n{code}{text}\n\n" + _members(_methods_of(found))


def _members(members: Iterator[tuple[str, object]]) -> str:
    lines = []
    for name, found in members:
        signature = "" if isinstance(found, property) else _signature(found)
        text = _text(found)
        lines.append(f"- `{name}{signature}`" + (f": {text}" if text else ""))
    return "\n".join([*lines, ""]) if lines else ""


def _own_of(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The public functions and classes that a module defines, in its order."""
    for name, found in vars(module).items():
        is_own = getattr(found, "__module__", "") == module.__name__
        if is_own and callable(found) and not name.startswith("_"):
            yield name, found


def _methods_of(kind: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties of a class and of our classes that it derives from."""
    seen: set[str] = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("nova."):
            continue
        for name, found in vars(owner).items():
            found = found.__func__ if isinstance(found, classmethod) else found
            if (name.startswith("_") and name != "__call__") or name in seen:
                continue
            seen.add(name)
            if inspect.isfunction(found) or isinstance(found, property):
                yield name, found


def _text(found: object) -> str:
    return " ".join(inspect.cleandoc(getattr(found, "__doc__", None) or "").split())


def _signature(found: object) -> str:
    """As it is written in the source: with the names of types, not with what they stand for."""
    assert callable(found)
    signature = inspect.signature(found)
    written = _written_annotations(found) if isinstance(found, type) else {}
    parameters = [
        _named(each, written.get(each.name, each.annotation))
        for each in signature.parameters.values()
        if each.name not in ("self", "cls", "ref")
    ]
    text = str(inspect.Signature(parameters))
    result = signature.return_annotation
    return text if result in (signature.empty, None, "None") else f"{text} -> {_name_of(result)}"


def _written_annotations(kind: type) -> dict[str, object]:
    found: dict[str, object] = {}
    for owner in reversed(kind.__mro__):
        found |= inspect.get_annotations(owner)
    return found


def _named(parameter: inspect.Parameter, annotation: object) -> inspect.Parameter:
    if annotation is inspect.Parameter.empty:
        return parameter
    return parameter.replace(annotation=_Printed(_name_of(annotation)))


def _name_of(annotation: object) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


class _Printed:
    """A text that a signature prints without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


if __name__ == "__main__":
    print(page(), end="")
