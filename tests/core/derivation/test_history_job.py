"""Derivation over history into a running instance: interrupted, resumed, and to a file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nova.core.derivation.history_job import HistoryRequest, open_history
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.derivation.deriving import definition_of, expected, random_events
from tests.core.running import Core, running_writer

PIECE_EVENTS = 20


class InterruptionError(Exception):
    """The run is ended after some pieces."""


def ignore(_passed: int, _total: int, _events: int) -> None:
    """Nobody looks at the progress."""


async def test_an_interrupted_run_resumes_and_makes_each_event_once(
    core: Core, tmp_path: Path
) -> None:
    definition = definition_of()
    sent = random_events(21, 200)
    await core.publish([one.record() for one in sent])
    right = expected(definition, sent)
    request = HistoryRequest([definition], NS_MIN, NS_MAX)
    steps: list[int] = []

    def interrupt(passed: int, _total: int, _events: int) -> None:
        steps.append(passed)
        if len(steps) == 3:
            raise InterruptionError

    states = core.data / "derivation" / "history"
    async with open_history(core.settings, PIECE_EVENTS) as job:
        with pytest.raises(InterruptionError):
            await job.run(request, interrupt)
    (state,) = states.iterdir()
    done = msgspec.json.decode(state.read_bytes())
    assert 0 < done["inputs"] < len(set(sent))
    resumed: list[int] = []
    async with open_history(core.settings, PIECE_EVENTS) as job:
        (summary,) = await job.run(request, lambda passed, *_: resumed.append(passed))
    assert summary.outputs >= len(right) and summary.failures == summary.refused == 0
    assert len(list(states.iterdir())) == 0
    async with await Client.to_core(core.data) as client:
        query = Query(timebase="source", filters=Filters(message_types=["Power"]))
        stored = [msgspec.json.decode(event) async for event in client.query(query)]
        rows = [(one["sourceTruthTime"], one["payload"]["watts"]) for one in stored]
    assert len(rows) == len(set(rows)) == len(right)
    out = tmp_path / "made.jsonl"
    async with open_history(core.settings, PIECE_EVENTS) as job:
        await job.run(request._replace(out=out), ignore)
    made = {line for line in out.read_bytes().splitlines()}
    assert len(made) == len(right)


async def test_without_an_instance_the_error_says_what_to_do(data: Path) -> None:
    """Nothing is derived that nobody would take."""
    settings = Settings(data=str(data), mode="ground")
    async with running_writer(settings):
        pass
    async with open_history(settings) as job:
        with pytest.raises(NovaError, match=r"no NOVA runs .* --dry-run or --out FILE"):
            await job.run(HistoryRequest([definition_of()], NS_MIN, NS_MAX), ignore)
