"""Confirmations: what a device answers to a command decides how it ended, not that it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from sdk.envelope import JsonObject
from sdk.hardware.device import CommandRefusedError, Progress

WRITTEN = "written"
WRITTEN_PERCENT = 50.0
"""What is said of a command whose bytes have left: half of it, the device's answer, is missing."""

ConfirmSeconds = Annotated[float, Meta(gt=0, le=3600)]
UNKNOWN = "whether it took effect is unknown"

Said = TypeVar("Said")
Judge = Callable[[Said], JsonObject | None]
"""What an answer means for the command: its result, None if it is about something else; raises
CommandRefusedError where it refuses.
"""


class AwaitedAnswer(Generic[Said]):
    """The answer to the command that is being done; all that a device says passes by here."""

    def __init__(self) -> None:
        self._judge: Judge[Said] | None = None
        self._found: asyncio.Future[JsonObject] | None = None

    async def after(
        self,
        write: Callable[[], Awaitable[None]],
        judge: Judge[Said],
        within_s: float,
        progress: Progress,
    ) -> JsonObject:
        """Write a command and return its result; raises CommandRefusedError where the device
        refuses it, or says nothing of it in time.
        """
        self._judge, self._found = judge, asyncio.get_running_loop().create_future()
        try:
            await write()
            await progress(WRITTEN_PERCENT, WRITTEN)
            async with asyncio.timeout(within_s) as limit:
                return await self._found
        except TimeoutError:
            if not limit.expired():
                raise
            raise CommandRefusedError(f"no answer within {within_s:g} s; {UNKNOWN}") from None
        finally:
            if self._found.done() and not self._found.cancelled():
                self._found.exception()  # Where the write failed, nobody else has looked at it.
            self._judge = self._found = None

    def see(self, said: Said) -> None:
        """Look whether this is the answer."""
        if self._judge is None or self._found is None or self._found.done():
            return
        try:
            result = self._judge(said)
        except CommandRefusedError as error:
            self._found.set_exception(error)
            return
        if result is not None:
            self._found.set_result(result)

    def lose(self) -> None:
        """The connection ended: no answer comes over it any more."""
        if self._found is not None and not self._found.done():
            error = CommandRefusedError(f"the connection ended before an answer; {UNKNOWN}")
            self._found.set_exception(error)


def check_arguments(command_type: str, payload: Mapping[str, object], takes: Iterable[str]) -> None:
    """Raise CommandRefusedError for an argument that a command has not, naming those it has."""
    known = list(takes)
    for name in payload:
        if name not in known:
            raise CommandRefusedError(
                f"{command_type} has no argument {name[:64]!r}; it takes "
                f"{', '.join(known) or 'none'}"
            )
