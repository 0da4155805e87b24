"""Cases of commands: every listener gets each command once, and none from before it listened.

The Core dispatches commands that it has recorded, through the transport that it consumes with.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from nova.sdk import address
from nova.sdk.errors import NotSentError, TransportError
from nova.sdk.transport.base import Record, Transport
from nova.testkit.conformance.cases import Cases
from nova.testkit.conformance.core_stand_in import CoreStandIn
from nova.testkit.conformance.leftovers import ProcessResources
from nova.testkit.conformance.trial import Trial


class CommandReceiver:
    """A device's end of the transport: collects the commands of one scope."""

    def __init__(self, transport: Transport, scope_id: str, read_timeout_s: float) -> None:
        self._read_timeout_s = read_timeout_s
        self.received: list[Record] = []
        self.listening = asyncio.Event()
        self._commands = transport.commands(scope_id, self.listening)
        self._received = asyncio.Event()
        self.work = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for record in self._commands:
            self.received.append(record)
            self._received.set()

    async def wait_until_listening(self) -> CommandReceiver:
        """Return when every command dispatched from then on will be received."""
        async with asyncio.timeout(self._read_timeout_s):
            await self.listening.wait()
        return self

    async def values_until(self, last: Record) -> list[bytes]:
        """The values received, once `last` is among them."""
        async with asyncio.timeout(self._read_timeout_s):
            while last.value not in (values := [record.value for record in self.received]):
                self._received.clear()
                await self._received.wait()
        return values

    async def stop(self) -> None:
        self.work.cancel()
        await asyncio.wait((self.work,))
        if isinstance(self._commands, AsyncGenerator):
            await self._commands.aclose()


def named_commands(scope_id: str, *names: str) -> list[Record]:
    """Commands whose values are their names."""
    return [Record(address.dispatch(scope_id, name), name.encode()) for name in names]


class CommandCases(Cases):
    """Dispatched commands reach the listeners."""

    async def test_a_command_reaches_all_who_listen(self, trial: Trial) -> None:
        """Every listener of a scope gets each command that is dispatched while it listens, once and
        in order.
        """
        core, scope = await _running_core(trial)
        one = await _receiver(trial, scope).wait_until_listening()
        two = await _receiver(trial, scope).wait_until_listening()
        sent = named_commands(scope, *(f"c{number}" for number in range(50)))
        for record in sent:
            await core.dispatch([record])
        for listener in (one, two):
            assert await listener.values_until(sent[-1]) == [record.value for record in sent]
            assert listener.received[0].address == sent[0].address
            await listener.stop()

    async def test_a_listener_gets_nothing_old_and_nothing_else(self, trial: Trial) -> None:
        """A listener gets no commands from before it listened, none of other scopes, no progress or
        results of commands, and no other events of the command lane.
        """
        core, scope = await _running_core(trial)
        for name in ("old-1", "old-2"):
            await _dispatch_to_nobody(trial, core, named_commands(scope, name))
        listener = await _receiver(trial, scope).wait_until_listening()
        producer = trial.producer(scope)
        await producer.publish(
            [
                Record(f"nova.{scope}.command.c:CommandProgress.v1", b"progress"),
                Record(f"nova.{scope}.command.c:CommandResult.v1", b"result"),
                Record(producer.entity("u", "command"), b"of an entity"),
                Record(producer.entity("u", "ui"), b"telemetry"),
            ]
        )
        other = named_commands(f"{scope}x", "other-scope")
        await _dispatch_to_nobody(trial, core, other, is_read=False)
        last = named_commands(scope, "new")
        await core.dispatch(last)
        assert await listener.values_until(last[0]) == [b"new"]
        await listener.stop()

    async def test_a_command_that_nobody_takes_is_not_sent_in_silence(self, trial: Trial) -> None:
        """A backend that keeps records keeps a command without listeners too. A direct transport
        raises NotSentError if nobody listens. If the listeners leave before they have taken the
        command, which they do by asking for the next one, it raises another TransportError, since
        they may have received it.
        """
        core, scope = await _running_core(trial)
        await _dispatch_to_nobody(trial, core, named_commands(scope, "nobody"))
        transport = trial.connect()
        listening = asyncio.Event()
        leaving = transport.commands(scope, listening)
        first = asyncio.ensure_future(anext(leaving))
        async with asyncio.timeout(trial.read_timeout_s):
            await listening.wait()
            dispatch = asyncio.create_task(core.dispatch(named_commands(scope, "leaving")))
            assert (await first).value == b"leaving"
            await transport.close()
            if trial.keeps_records:
                await dispatch
                return
            with pytest.raises(TransportError) as lost:
                await dispatch
            assert not isinstance(lost.value, NotSentError)

    async def test_listening_resumes_when_the_server_comes_back(self, trial: Trial) -> None:
        """A listener survives a crash of the server: it gets what is dispatched afterwards, and
        nothing twice.
        """
        core, scope = await _running_core(trial)
        listener = await _receiver(trial, scope).wait_until_listening()
        await core.dispatch(named_commands(scope, "before"))
        await listener.values_until(named_commands(scope, "before")[0])
        await trial.kill_server(core)
        if not trial.keeps_records:
            await trial.wait_until("it hears nobody", lambda: not listener.listening.is_set())
        await trial.start_server(core)
        await listener.wait_until_listening()
        await core.dispatch_until_sent(named_commands(scope, "after"))
        heard = await listener.values_until(named_commands(scope, "after")[0])
        assert heard[:2] == [b"before", b"after"]
        assert heard.count(b"before") == 1
        await listener.stop()

    async def test_listening_ends_with_close_and_leaves_nothing(self, trial: Trial) -> None:
        """Listening ends when it is cancelled or its transport is closed, and leaves no task,
        thread or descriptor; a closed transport refuses to listen.
        """
        _, scope = await _running_core(trial)
        await _listen_and_leave(trial, scope)
        before = ProcessResources.snapshot()
        await _listen_and_leave(trial, scope)
        assert await trial.leaked_since(before) == []


def _receiver(trial: Trial, scope: str) -> CommandReceiver:
    """A listener with a transport of its own."""
    return CommandReceiver(trial.connect(), scope, trial.read_timeout_s)


async def _running_core(trial: Trial) -> tuple[CoreStandIn, str]:
    """A running Core of a scope that already has records."""
    producer, core = trial.pair()
    await trial.deliver(producer, core, producer.numbered(1))
    return core, producer.scope_id


async def _dispatch_to_nobody(
    trial: Trial, core: CoreStandIn, records: list[Record], *, is_read: bool = True
) -> None:
    """Dispatch while nobody listens, which a direct transport refuses, and a backend of sessions
    too if no Core reads them.
    """
    if trial.keeps_history or (trial.has_sessions and is_read):
        await core.dispatch(records)
        return
    with pytest.raises(NotSentError):
        await core.dispatch(records)


async def _listen_and_leave(trial: Trial, scope: str) -> None:
    transport = trial.connect()
    listeners: Sequence[CommandReceiver] = [
        CommandReceiver(transport, scope, trial.read_timeout_s) for _ in range(2)
    ]
    for listener in listeners:
        await listener.wait_until_listening()
    await listeners[0].stop()
    await transport.close()
    async with asyncio.timeout(trial.read_timeout_s):
        await listeners[1].work
    with pytest.raises(TransportError):
        await anext(transport.commands(scope))
