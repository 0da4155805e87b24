"""Confirmation of commands: the device's answer, not the successful send, decides the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from nova.hardware.device import CommandRefusedError, Progress
from nova.sdk.field_types import JsonObject

WRITTEN = "written"
WRITTEN_PERCENT = 50.0
"""The progress of a command that was sent; the other half is the device's answer."""

ConfirmSeconds = Annotated[float, Meta(gt=0, le=3600)]
OUTCOME_UNKNOWN = "whether it took effect is unknown"

AnswerT = TypeVar("AnswerT")
Interpret = Callable[[AnswerT], JsonObject | None]
"""Interprets an answer: returns the command's result, None if the answer is about something else;
raises CommandRefusedError if the device refuses.
"""


class AwaitedAnswer(Generic[AnswerT]):
    """Waits for the answer to the current command; receives everything that the device sends."""

    def __init__(self) -> None:
        self._interpret: Interpret[AnswerT] | None = None
        self._result: asyncio.Future[JsonObject] | None = None

    async def send_and_wait(
        self,
        write: Callable[[], Awaitable[None]],
        interpret: Interpret[AnswerT],
        within_s: float,
        progress: Progress,
    ) -> JsonObject:
        """Send a command and return its result; raises CommandRefusedError if the device refuses or
        does not answer in time.
        """
        self._interpret, self._result = interpret, asyncio.get_running_loop().create_future()
        try:
            await write()
            await progress(WRITTEN_PERCENT, WRITTEN)
            async with asyncio.timeout(within_s) as limit:
                return await self._result
        except TimeoutError:
            if not limit.expired():
                raise
            raise CommandRefusedError(
                f"no answer within {within_s:g} s; {OUTCOME_UNKNOWN}"
            ) from None
        finally:
            if self._result.done() and not self._result.cancelled():
                self._result.exception()  # Mark it as retrieved where the write failed.
            self._interpret = self._result = None

    def receive(self, answer: AnswerT) -> None:
        """Check whether this is the awaited answer."""
        if self._interpret is None or self._result is None or self._result.done():
            return
        try:
            result = self._interpret(answer)
        except CommandRefusedError as error:
            self._result.set_exception(error)
            return
        if result is not None:
            self._result.set_result(result)

    def fail_pending(self) -> None:
        """Fail the pending command: the connection ended."""
        if self._result is not None and not self._result.done():
            error = CommandRefusedError(f"the connection ended before an answer; {OUTCOME_UNKNOWN}")
            self._result.set_exception(error)


def check_arguments(command_type: str, payload: Mapping[str, object], takes: Iterable[str]) -> None:
    """Raise CommandRefusedError for an unknown argument, with the known ones."""
    known = list(takes)
    for name in payload:
        if name not in known:
            raise CommandRefusedError(
                f"{command_type} has no argument {name[:64]!r}; it takes "
                f"{', '.join(known) or 'none'}"
            )
