"""Confirmation of commands: the device's answer, not the successful send, decides the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from sdk.envelope import JsonObject
from sdk.hardware.device import CommandRefusedError, Progress

WRITTEN = "written"
WRITTEN_PERCENT = 50.0
"""The progress of a command that was sent; the other half is the device's answer."""

ConfirmSeconds = Annotated[float, Meta(gt=0, le=3600)]
UNKNOWN = "whether it took effect is unknown"

Said = TypeVar("Said")
Judge = Callable[[Said], JsonObject | None]
"""Interprets an answer: returns the command's result, None if the answer is about something else;
raises CommandRefusedError if the device refuses.
"""


class AwaitedAnswer(Generic[Said]):
    """Waits for the answer to the current command; receives everything that the device sends."""

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
        """Send a command and return its result; raises CommandRefusedError if the device refuses or
        does not answer in time.
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
                self._found.exception()  # Mark it as retrieved where the write failed.
            self._judge = self._found = None

    def see(self, said: Said) -> None:
        """Check whether this is the awaited answer."""
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
        """Fail the pending command: the connection ended."""
        if self._found is not None and not self._found.done():
            error = CommandRefusedError(f"the connection ended before an answer; {UNKNOWN}")
            self._found.set_exception(error)


def check_arguments(command_type: str, payload: Mapping[str, object], takes: Iterable[str]) -> None:
    """Raise CommandRefusedError for an unknown argument, with the known ones."""
    known = list(takes)
    for name in payload:
        if name not in known:
            raise CommandRefusedError(
                f"{command_type} has no argument {name[:64]!r}; it takes "
                f"{', '.join(known) or 'none'}"
            )
