"""Which definitions use the outputs of others, and which would use their own."""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.definitions.definition import UI_TYPE, Definition
from nova.sdk.events.event import Series


def outputs_of(definition: Definition) -> tuple[Series, ...]:
    """The series that a definition writes."""
    series = definition.output.series
    if not definition.output.card:
        return (series,)
    ids = series.system_id, series.container_id, series.unique_id
    return series, Series(series.scope_id, "ui", *ids, UI_TYPE, definition.view_id)


def loops(definitions: Sequence[Definition]) -> list[list[Definition]]:
    """The loops of definitions, of which each uses an output of the one before, and the first one
    of the last. Each definition is in one of them at most.
    """
    writers: dict[Series, list[int]] = {}
    for place, definition in enumerate(definitions):
        for series in outputs_of(definition):
            writers.setdefault(series, []).append(place)
    uses = [
        sorted({used for spec in one.inputs.values() for used in writers.get(spec.series, ())})
        for one in definitions
    ]
    found: list[list[Definition]] = []
    done: set[int] = set()
    for start in range(len(definitions)):
        loop = _loop_from(start, uses, done)
        found += [[definitions[place] for place in loop]] if loop else []
    return found


def in_order(definitions: Sequence[Definition]) -> list[Definition]:
    """Definitions without loops, those whose outputs others use before these."""
    left = list(definitions)
    ordered: list[Definition] = []
    while left:
        written = {series for one in left for series in outputs_of(one)}
        ready = [
            one for one in left if not any(spec.series in written for spec in one.inputs.values())
        ]
        ordered += ready
        left = [one for one in left if one not in ready]
    return ordered


def _loop_from(start: int, uses: Sequence[Sequence[int]], done: set[int]) -> list[int]:
    """The first loop that is found depth first; places that are done have none that is new."""
    path: list[int] = []
    ahead = [(start, 0)]
    while ahead:
        place, depth = ahead.pop()
        done.update(path[depth:])
        del path[depth:]
        if place in path:
            loop = path[path.index(place) :]
            done.update(path)
            return loop
        if place not in done:
            path.append(place)
            ahead += [(used, depth + 1) for used in reversed(uses[place])]
    done.update(path)
    return []
