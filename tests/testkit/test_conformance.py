"""The conformance suite itself: a good transport passes, and every broken promise is caught."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from nova.sdk import own_socket
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Receipt, Record, Transport
from nova.sdk.transport.local import LocalTransport
from nova.testkit.conformance import (
    Backend,
    TransportConformance,
    result_table,
    trial,
)
from tests.testkit import memory_transport
from tests.testkit.memory_transport import MemoryBackend, MemoryTransport

CASES = sorted(name for name in dir(TransportConformance) if name.startswith("test_"))
PATIENCE_S = 0.3
CAUGHT = (AssertionError, TimeoutError, TransportError, pytest.fail.Exception)

BROKEN: dict[type[MemoryTransport], str] = {
    memory_transport.Loses: "test_everything_published_arrives_exactly_once",
    memory_transport.Doubles: "test_everything_published_arrives_exactly_once",
    memory_transport.Renames: "test_every_address_arrives_as_it_was_sent",
    memory_transport.Shuffles: "test_an_entity_keeps_its_order",
    memory_transport.OneAtATime: "test_many_publishes_may_be_under_way",
    memory_transport.Cuts: "test_records_of_every_size_arrive_whole",
    memory_transport.DropsWhenSlow: "test_many_small_records_arrive",
    memory_transport.StaysBehind: "test_positions_resume_exactly",
    memory_transport.GetsAhead: "test_a_batch_that_was_not_stored_comes_again",
    memory_transport.WaitsForAnswers: "test_acknowledgements_may_come_behind",
    memory_transport.HearsAll: "test_one_scope_is_read_alone",
    memory_transport.FindsNothingNew: "test_a_lane_that_appears_later_is_found",
    memory_transport.FindsNothingNewAnywhere: "test_a_scope_that_appears_later_is_found",
    memory_transport.OneReader: "test_two_consumers_do_not_disturb_each_other",
    memory_transport.NeverCatchesUp: "test_the_lag_is_known_and_reaches_zero",
    memory_transport.GivesUp: "test_a_server_killed_in_the_middle_loses_nothing",
    memory_transport.SeesNoOutage: "test_the_state_reports_an_outage",
    memory_transport.LeavesTask: "test_cancellation_leaves_nothing_behind",
    memory_transport.LeavesDescriptor: "test_close_leaves_nothing_behind",
    memory_transport.EndsLate: "test_a_closed_transport_refuses_to_work",
    memory_transport.OneListener: "test_a_command_reaches_all_who_listen",
    memory_transport.SendsOldCommands: "test_a_listener_gets_nothing_old_and_nothing_else",
    memory_transport.SendsAllCommands: "test_a_listener_gets_nothing_old_and_nothing_else",
    memory_transport.DropsListeners: "test_listening_resumes_when_the_server_comes_back",
    memory_transport.ListensOn: "test_listening_ends_with_close_and_leaves_nothing",
    memory_transport.ManyNames: "test_a_link_has_one_name_and_begins_unconnected",
}


async def run(case: str, backend: Backend) -> None:
    """One case, as pytest runs it."""
    tried = trial.Trial(backend)
    try:
        await getattr(TransportConformance(), case)(tried)
    finally:
        await tried.close()


async def run_impatiently(case: str, backend: Backend) -> None:
    """One case in which what never comes is not waited for long."""
    backend.read_timeout_s = backend.release_timeout_s = PATIENCE_S
    await run(case, backend)


@pytest.mark.parametrize("case", CASES)
async def test_a_transport_that_keeps_its_promises_passes(case: str) -> None:
    """The cases ask for nothing but what they say."""
    await run(case, MemoryBackend())


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
async def test_a_broken_promise_is_caught(make: type[MemoryTransport]) -> None:
    """Each of these passes for a transport at first sight, and fails the case that is meant."""
    try:
        with pytest.raises(CAUGHT):
            await run_impatiently(BROKEN[make], MemoryBackend(make))
    finally:
        while memory_transport.LeavesDescriptor.left:
            os.close(memory_transport.LeavesDescriptor.left.pop())


async def test_an_acknowledgement_that_a_crash_takes_back_is_caught() -> None:
    """Durable means after a SIGKILL too."""
    with pytest.raises(TimeoutError):
        await run_impatiently("test_acknowledged_means_kept", memory_transport.Forgetful())


class Passing(Backend):
    """A local backend whose transports are made as a test wants."""

    name = "from hand to hand"
    keeps_records = False

    def __init__(self, make: type[LocalTransport], folder: Path) -> None:
        self._make = make
        self._url = f"local://{folder}"

    def connect(self) -> Transport:
        """One end or the other."""
        return self._make(self._url)


class Hasty(LocalTransport):
    """Says that everything arrived before anybody did."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        return Receipt(new=len(records))


class SilentTransport(LocalTransport):
    """Does not say to the producer what was refused."""

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        await super().acknowledge(batch, Receipt(new=len(batch.records)))


@pytest.mark.parametrize(
    ("make", "case"),
    [(Hasty, "test_acknowledged_means_kept"), (SilentTransport, "test_one_scope_is_read_alone")],
)
async def test_a_promise_broken_from_hand_to_hand_is_caught(
    make: type[LocalTransport], case: str, tmp_path: Path
) -> None:
    """The other form of the promises has teeth too."""
    with pytest.raises(CAUGHT):
        await run_impatiently(case, Passing(make, tmp_path))


async def test_a_stolen_address_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who listen at one socket: the second would take the producers of the first."""

    def steal(path: Path) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        return path

    monkeypatch.setattr(own_socket, "claim_socket", steal)
    with pytest.raises(pytest.fail.Exception):
        case = "test_two_consumers_do_not_disturb_each_other"
        await run_impatiently(case, Passing(LocalTransport, tmp_path))


def report(case: str, backend: str | None, outcome: str) -> pytest.TestReport:
    """What pytest says of a test, with its column if it is a case."""
    location = ("test_x.py", 1, f"TestX.test_{case}")
    properties = [] if backend is None else [(result_table.PROPERTY, backend)]
    kept = "passed" if outcome == "error" else outcome
    return pytest.TestReport(
        f"test_x.py::TestX::test_{case}",
        location,
        {},
        kept,  # type: ignore[arg-type]  # one of pytest's three
        None,
        "call",
        user_properties=properties,
    )


def test_the_table_shows_every_case_by_every_backend_and_the_worst_of_each() -> None:
    """A case that passes and cannot clean up has not passed; one that did not run is seen too."""
    stats = {
        "passed": [report("a_b", "kafka", "passed"), report("a_b", "nats", "passed")],
        "failed": [report("c", "nats", "failed"), report("other", None, "failed")],
        "error": [report("a_b", "kafka", "error")],
    }
    assert result_table.table_lines(stats) == [
        "case  kafka  nats",
        "a b   error  passed",
        "c     -      failed",
    ]
    assert result_table.table_lines({"passed": [report("other", None, "passed")]}) == []
