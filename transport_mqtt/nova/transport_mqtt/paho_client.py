"""A client of paho-mqtt, set up so that it does nothing by itself."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from nova.transport_mqtt.config import MqttConfig

CONNECT_TIMEOUT_S: Final = 5.0


class _TlsClient(Client):
    """Closes the socket of a handshake that fails, which paho-mqtt leaves open."""

    context: ssl.SSLContext

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        wrapped = self.context.wrap_socket(
            tcp_sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        try:
            wrapped.settimeout(CONNECT_TIMEOUT_S)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped


def make_client(config: MqttConfig, client_id: str) -> Client:
    """A client of MQTT 5 that neither reconnects, nor acknowledges, nor holds messages back."""
    client = _TlsClient(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTv5,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(0)
    if "user" in config.options:
        client.username_pw_set(config.options["user"], config.options.get("password"))
    context = config.tls_context()
    if context is not None:
        client.context = context
        client.tls_set_context(context)
    return client


def properties(packet_type: int) -> Properties:
    """Empty properties of a packet."""
    return Properties(packet_type)  # type: ignore[no-untyped-call]
