"""A whole instance in one process, and its metrics as Prometheus reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nova.core.derivation import derive_process
from nova.core.derivation.derive_process import open_derivations
from nova.core.derivation.followed_definitions import FollowedDefinitions
from nova.core.derived import sampler_process
from nova.core.files import files_process
from nova.core.notifications.followed_file import FollowedFile
from nova.core.notifications.notice_ledger import NoticeLedger
from nova.core.notifications.notifier_process import NotifierProcess
from nova.core.server.submission_client import SubmissionClient
from nova.sdk import archive_id, endpoints
from nova.sdk.archive_id import ANY_ARCHIVE
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.submission import SubmitChat
from nova.sdk.settings import Settings
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova
from tests.core.commanding import HEATER, SCOPE
from tests.core.derivation.deriving import definition_of, write_definition
from tests.core.running import running_core
from tests.edge.server import PASSWORD, running_edge

WAIT_S = 120.0
"""Sampler and files have the lowest priority, and a busy machine starts them late."""

EVENTS = 200

Values = dict[tuple[str, ...], float]


@dataclass
class ServedNova:
    """Where clients and producers reach it."""

    url: str
    publish: str
    link: str


@asynccontextmanager
async def served_nova(data: Path) -> AsyncIterator[ServedNova]:
    """All parts of an instance in this process: as processes, sampler and files would wait for
    their turn on a busy machine.
    """
    folder = data.with_name("definitions")
    folder.mkdir()
    write_definition(folder, definition_of())
    settings = Settings(
        data=str(data),
        scope=SCOPE,
        drivers=("jsonl",),
        definitions=str(folder),
        notifications="none.toml",
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_core(settings))
        files = await stack.enter_async_context(files_process.open_writer(settings))
        served = archive_id.require(data, ANY_ARCHIVE)
        stack.push_async_callback(
            cancel, asyncio.create_task(sampler_process.maintain_all(settings, served))
        )
        stack.push_async_callback(
            cancel, asyncio.create_task(files_process.run_and_report(files, data))
        )
        live = FollowedDefinitions(folder)
        derived = await stack.enter_async_context(open_derivations(settings, live.definitions))
        stack.push_async_callback(
            cancel, asyncio.create_task(derive_process.run_and_report(derived, data, served, live))
        )
        (path := data / "notifications.toml").write_text("targets = []\nrules = []\n")
        ledger, submissions = NoticeLedger(data), SubmissionClient(endpoints.writer_socket(data))
        stack.push_async_callback(submissions.close)
        stack.callback(ledger.close)
        notifier = NotifierProcess(settings, FollowedFile(path), ledger, submissions)
        stack.push_async_callback(cancel, asyncio.create_task(notifier.run(served)))
        edge = await stack.enter_async_context(
            running_edge(data, endpoints.reader_socket(data), open_metrics=True)
        )
        link = f"local://{data}"
        yield ServedNova(edge.url, link, link)


async def cancel(task: asyncio.Task[None]) -> None:
    assert not task.done(), task
    task.cancel()
    await asyncio.wait((task,))


async def metrics_text(nova: ServedNova | RunningNova) -> str:
    """What `/metrics` answers."""
    async with aiohttp.ClientSession() as session, session.get(f"{nova.url}/metrics") as reply:
        text = await reply.text()
    assert reply.status == 200, text
    return text


async def served(nova: ServedNova | RunningNova) -> Values:
    """Values by name, and labels in the order of their names."""
    text = await metrics_text(nova)
    return {
        (sample.name, *dict(sorted(sample.labels.items())).values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(nova: ServedNova | RunningNova, **expected: float) -> Values:
    """The metrics, once every process has reported these values of `nova_up`."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await served(nova)
            if all(found.get(("nova_up", name)) == value for name, value in expected.items()):
                return found
            await asyncio.sleep(0.2)


ALL_UP = {"writer": 1, "reader": 1, "sampler": 1, "files": 1, "derive": 1, "notifier": 1, "edge": 1}


async def work(nova: ServedNova) -> None:
    """Ingest, a query, a refused one and a message, so that every metric has a value."""
    async with Producer(connect(nova.publish), SCOPE) as producer:
        heater = producer.observe(HEATER)
        receipt = await producer.send(
            heater.parsed("Heater", {"watts": number}) for number in range(EVENTS)
        )
    assert receipt.new == EVENTS
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        assert len([event async for event in client.query(Query())]) >= EVENTS
        with pytest.raises(ProtocolError):
            [event async for event in client.query(Query(start_time="never"))]
        await client.submit_chat(SubmitChat(scope_id=SCOPE, content="hello", timeline_mode="LIVE"))
