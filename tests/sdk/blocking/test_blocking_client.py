"""The plain forms against a real NOVA, and where they end."""

from __future__ import annotations

import inspect
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.sdk import (
    BlockingClient,
    BlockingProducer,
    Client,
    ConnectionLostError,
    Entity,
    EnvelopeError,
    Filters,
    NovaError,
    Producer,
    ProtocolError,
    Query,
    Retry,
    TransportError,
)
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

BATTERY = Entity("bus", "eps", "battery")
COUNT = 2_500
PARSED = Filters(lanes=["parsed"])
FIRST_NS = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA that holds COUNT events, a nanosecond apart."""
    data = tmp_path_factory.mktemp("blocking") / "data"
    with running_nova(data, "--scope", "sat1") as running:
        with BlockingProducer(running.publish, "sat1") as producer:
            events = [
                producer.observe(BATTERY, FIRST_NS + number).parsed("Count", {"n": number})
                for number in range(COUNT)
            ]
            assert producer.send(events).new == COUNT
        yield running
        running.kill()


def numbers(stored: list[bytes]) -> list[int]:
    return [json.loads(event)["payload"]["n"] for event in stored]


def test_a_query_is_an_iterator_over_all_pages(nova: RunningNova) -> None:
    with BlockingClient.to_core(nova.data) as client:
        assert numbers(list(client.query(Query(limit=1_000, filters=PARSED)))) == list(range(COUNT))
        pages = [len(page) for page in client.query_pages(Query(limit=1_000, filters=PARSED))]
        assert pages == [1_000, 1_000, 500]


def test_a_stream_may_be_left_and_followed_by_requests(nova: RunningNova) -> None:
    """The connection continues; a second stream starts anew."""
    with BlockingClient.to_core(nova.data) as client:
        for _ in range(2):
            for chunk in client.stream("REPLAY", start_time="2023-01-01T00:00:00Z", rate="max"):
                if chunk.events:
                    break
            assert client.status().events >= COUNT
        seen: list[bytes] = []
        for chunk in client.stream(
            "REPLAY",
            start_time="2023-01-01T00:00:00Z",
            stop_time="2024-01-01T00:00:00Z",
            rate="max",
            filters=PARSED,
        ):
            seen += map(bytes, chunk.events)
        assert numbers(seen) == list(range(COUNT))


def test_another_thread_may_end_a_stream(nova: RunningNova) -> None:
    with BlockingClient.to_core(nova.data) as client:
        started = threading.Event()
        chunks = client.stream("LIVE", start_time="2023-01-01T00:00:00Z")

        def follow() -> None:
            for _ in chunks:
                started.set()

        follower = threading.Thread(target=follow)
        follower.start()
        assert started.wait(30)
        client.cancel_stream()
        follower.join(30)
        assert not follower.is_alive()


def test_errors_are_those_of_the_async_forms(nova: RunningNova, tmp_path: Path) -> None:
    with pytest.raises(ConnectionLostError, match="start `nova up`"):
        BlockingClient.to_core(tmp_path)
    with pytest.raises(ProtocolError):
        BlockingClient.log_in(nova.url, "admin", "wrong")
    with pytest.raises(EnvelopeError, match="scopeId"):
        BlockingProducer(nova.publish, "no scope")
    nobody = f"local://{tmp_path}"
    with BlockingProducer(nobody, "sat1", retry=Retry(deadline_s=0.1)) as producer:
        event = producer.observe(BATTERY).parsed("Count", {"n": 1})
        with pytest.raises(TransportError):
            producer.send([event])
    assert not [thread for thread in threading.enumerate() if "Blocking" in thread.name]


def test_a_closed_client_says_so(nova: RunningNova) -> None:
    client = BlockingClient.to_core(nova.data)
    chunks = client.stream("LIVE", start_time="2023-01-01T00:00:00Z")
    next(chunks)
    client.close()
    client.close()
    with pytest.raises(NovaError, match="this BlockingClient is closed"):
        client.status()
    with pytest.raises(NovaError, match="closed"):
        list(chunks)


def test_an_edge_is_logged_in_to(nova: RunningNova) -> None:
    with BlockingClient.log_in(nova.url, "admin", PASSWORD) as client:
        assert client.status().events >= COUNT


async def test_a_program_with_a_running_loop_may_use_it(nova: RunningNova) -> None:
    """A notebook has one."""
    with BlockingClient.to_core(nova.data) as client:
        assert client.status().events >= COUNT


def test_a_forked_process_is_told_to_open_its_own(nova: RunningNova) -> None:
    """Threads are not forked, so a call would wait for ever."""
    with BlockingClient.to_core(nova.data) as client:
        inlet, outlet = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                client.status()
            except NovaError as error:
                os.write(outlet, str(error).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert b"forked" in os.read(inlet, 1_000)
        os.close(inlet)
        os.close(outlet)


@pytest.mark.parametrize(
    ("plain", "form"), [(BlockingClient, Client), (BlockingProducer, Producer)]
)
def test_every_method_has_its_plain_form(plain: type, form: type) -> None:
    """With the same parameters."""
    own = {"to_core", "to_edge", "request", "close"}
    for name, method in inspect.getmembers(form, inspect.isroutine):
        if name.startswith("_"):
            continue
        here = inspect.signature(getattr(plain, name))
        if name not in own:
            assert list(here.parameters) == list(inspect.signature(method).parameters), name
