"""Changes of TCP streams, checked: by requests of clients and by `nova streams` alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from nova.edge.access import Access
from nova.edge.actor import Actor
from nova.edge.tcp_ports import check_address, check_port
from nova.edge.tcp_stream_rules import check_creator, check_definition
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition


class TcpStreamChanges:
    """Each change is refused with a ProtocolError, or stored. `access_of` gives the access of a
    stream's creator as it is now, and raises ProtocolError if there is none; `own_ports` gives
    those on which edges of the archive serve their pages.
    """

    def __init__(
        self,
        store: TcpStreamStore,
        access_of: Callable[[StoredStream], Access],
        own_ports: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        self._store = store
        self._access_of = access_of
        self._own_ports = own_ports

    def create(
        self,
        definition: TcpStreamDefinition,
        access: Access,
        by: Actor,
        *,
        enabled: bool,
        is_ground: bool,
    ) -> StoredStream:
        """Add a stream that reads with this access."""
        _check(definition, access, is_ground)
        self._check_port(definition, None)
        return self._store.add(definition, by, access.principal_id, enabled=enabled)

    def edit(
        self,
        stream: StoredStream,
        definition: TcpStreamDefinition,
        access: Access,
        by: Actor,
        *,
        is_ground: bool,
    ) -> None:
        """Replace a definition. The stream still reads with the access of whoever created it, who
        therefore must see what it names.
        """
        with contextlib.suppress(ProtocolError):  # Whoever is gone sees nothing anyway.
            access = self._access_of(stream)
        _check(definition, access, is_ground)
        self._check_port(definition, stream)
        self._store.replace(stream.id, definition, by)

    def start(self, stream: StoredStream, by: Actor, *, is_ground: bool) -> None:
        """Let a stream run, now and after every restart."""
        self._access_of(stream)
        check_definition(stream.definition, is_ground=is_ground)
        self._check_port(stream.definition, stream)
        self._store.set_enabled(stream.id, True, by)

    def stop(self, stream: StoredStream, by: Actor) -> None:
        """Let a stream run no longer, also after a restart."""
        self._store.set_enabled(stream.id, False, by)

    def delete(self, stream: StoredStream, by: Actor) -> None:
        self._store.delete(stream.id, by)

    def _check_port(self, wanted: TcpStreamDefinition, before: StoredStream | None) -> None:
        """Raise ProtocolError `portTaken` unless the port is free at the address, or the stream has
        both already.
        """
        port = wanted.port
        if port in self._own_ports():
            raise ProtocolError(
                "portTaken", f"port {port} is the edge's own, for its page: choose another port"
            )
        if self._is_anothers(port, before):
            return  # The store refuses it, with the name.
        held = None
        if before is not None and before.enabled and before.definition.port == port:
            held = before.definition.bind
        if wanted.bind != held:
            check_port(wanted.bind, port, held)

    def _is_anothers(self, port: int, stream: StoredStream | None) -> bool:
        others = (
            one for one in self._store.list_streams() if stream is None or one.id != stream.id
        )
        return any(one.definition.port == port for one in others)


def _check(definition: TcpStreamDefinition, creator: Access, is_ground: bool) -> None:
    check_definition(definition, is_ground=is_ground)
    check_address(definition.bind)
    check_creator(definition, creator)
