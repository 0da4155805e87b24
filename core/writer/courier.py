"""The courier: brings a recorded command to one transport, once, and says how that went.

A command goes over one link only, one that brought the descriptor in effect of its target: what
listens there is where the target is. Of several the first in the order of the settings that is
connected takes it. There is no second attempt and no other link: what failed may have been sent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from core.errors import QueryError
from core.writer.carriers import Carriers
from core.writer.targets import Target
from sdk import address
from sdk.envelope import CommandRequest
from sdk.errors import NotSentError, NovaError
from sdk.event import Event
from sdk.transport.base import Record, Transport

log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """Why a command was not sent; unless that is certain, it may have been sent all the same."""

    reason: str
    is_certain: bool = False


class Courier:
    """The transports, in the order of the settings."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers
        self.transports: Sequence[Transport] = ()

    def choose(self, target: Target) -> Transport:
        """The link that a command to this target goes over; raises QueryError where no link is
        known to lead there.
        """
        known = self._leading_to(target)
        if not known:
            raise QueryError(
                "noLink",
                f"over none of the links here a descriptor of {target.unique_id!r} has come: "
                "let its producer publish it again",
            )
        return next((link for link in known if link.state().connected), known[0])

    def _leading_to(self, target: Target) -> list[Transport]:
        if len(self.transports) == 1:
            return list(self.transports)
        if target.descriptor is None:
            return []
        brought = self._carriers.of(target.descriptor.series)
        newest = target.descriptor.order_key
        return [link for link in self.transports if brought.get(link.link, b"") >= newest]

    async def send(self, transport: Transport, event: Event) -> Failure | None:
        """Send a command on its way; what went wrong, or None."""
        request = event.envelope
        assert isinstance(request, CommandRequest)
        where = address.dispatch(event.series.scope_id, request.request_id)
        try:
            await transport.publish([Record(where, event.body)])
        except NotSentError as error:
            return Failure(str(error), is_certain=True)
        except NovaError as error:
            return Failure(str(error))
        except Exception as error:  # A plug-in's own fault must not end the writer.
            log.exception("a transport failed")
            return Failure(f"{type(error).__name__}: {error}")
        return None


def why_unreachable(transport: Transport) -> str | None:
    """Why a link cannot take a command at this moment, or None if it can."""
    state = transport.state()
    if state.connected:
        return None
    reason = state.last_outage.reason if state.last_outage else "it has not been reached yet"
    return f"{transport.link} is not connected: {reason}"
