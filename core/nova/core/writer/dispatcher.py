"""The dispatcher: sends a recorded command over one link, once.

A command goes over one link only, one that has delivered the descriptor in effect of its target,
because the target is reachable over that link. Of several links, the first connected one in the
order of the settings is chosen. There is no retry and no fallback to another link, because a failed
attempt may have sent the command.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.writer.command_targets import CommandTarget
from nova.core.writer.stages.link_routes import LinkRoutes
from nova.sdk import address
from nova.sdk.errors import NotSentError, NovaError
from nova.sdk.events.envelope import CommandRequest
from nova.sdk.events.event import Event
from nova.sdk.transport.base import Record, Transport

log = logging.getLogger(__name__)


class DispatchFailure(NamedTuple):
    """Why a command was not sent. Unless `is_certain`, it may have been sent nevertheless."""

    reason: str
    is_certain: bool = False


class Dispatcher:
    """Chooses a link and sends; `transports` are in the order of the settings."""

    def __init__(self, routes: LinkRoutes) -> None:
        self._routes = routes
        self.transports: Sequence[Transport] = ()

    def choose_link(self, target: CommandTarget) -> Transport:
        """The link for a command to this target; raises RequestError if none reaches it."""
        known = self._links_to(target)
        if not known:
            raise RequestError(
                "noLink",
                f"no link has delivered a descriptor of {target.unique_id!r}, so none is known to "
                "reach it: let its producer publish the descriptor again",
            )
        return next((link for link in known if link.state().connected), known[0])

    def _links_to(self, target: CommandTarget) -> list[Transport]:
        if len(self.transports) == 1:
            return list(self.transports)
        if target.descriptor is None:
            return []
        routes = self._routes.routes_of(target.descriptor.series)
        newest = target.descriptor.order_key
        return [link for link in self.transports if routes.get(link.link, b"") >= newest]

    async def send(self, transport: Transport, event: Event) -> DispatchFailure | None:
        """Publish a command; returns the failure, or None."""
        request = event.envelope
        assert isinstance(request, CommandRequest)
        where = address.dispatch(event.series.scope_id, request.request_id)
        try:
            await transport.publish([Record(where, event.body)])
        except NotSentError as error:
            return DispatchFailure(str(error), is_certain=True)
        except NovaError as error:
            return DispatchFailure(str(error))
        except Exception as error:  # A bug in a plug-in must not end the writer.
            log.exception("transport failed", extra={"context": {"link": transport.link}})
            return DispatchFailure(f"{type(error).__name__}: {error}")
        return None


def unreachable_reason(transport: Transport) -> str | None:
    """Why a link cannot send a command now, or None if it can."""
    state = transport.state()
    if state.connected:
        return None
    reason = state.last_outage.reason if state.last_outage else "it was never connected"
    return f"{transport.link} is not connected: {reason}"
