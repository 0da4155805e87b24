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
from tests.core.derivation.functions import install_functions
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
        result = await job.run(request, lambda passed, *_: resumed.append(passed))
    (summary,), _ = result
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


async def test_a_definition_that_fails_does_not_keep_the_others(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has no function, the second ends its process; the third makes its events."""
    install_functions(tmp_path / "site", monkeypatch)
    sent = random_events(22, 60)
    await core.publish([one.record() for one in sent])
    definitions = [
        definition_of(id="absent", function="absent", vectorised=True),
        definition_of(id="crash", function="crash", vectorised=True),
        definition_of(),
    ]
    request = HistoryRequest(definitions, NS_MIN, NS_MAX, is_dry=True)
    async with open_history(core.settings, PIECE_EVENTS) as job:
        summaries, failures = await job.run(request, ignore)
    assert [one.definition for one in summaries] == [definitions[2].name]
    assert summaries[0].outputs >= len(expected(definitions[2], sent))
    assert [one.definition for one in failures] == ["absent@1.0.0", "crash@1.0.0"]
    assert "no entry point" in failures[0].reason and "status 7" in failures[1].reason
