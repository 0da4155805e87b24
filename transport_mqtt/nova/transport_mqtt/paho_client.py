"""A client of paho-mqtt, set up so that it does nothing by itself."""

from __future__ import annotations

from typing import Final

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from nova.transport_mqtt.config import MqttConfig

CONNECT_TIMEOUT_S: Final = 5.0


def make_client(config: MqttConfig, client_id: str) -> Client:
    """A client of MQTT 5 that neither reconnects, nor acknowledges, nor holds messages back."""
    client = Client(
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
        client.tls_set_context(context)
    return client


def properties(packet_type: int) -> Properties:
    """Empty properties of a packet."""
    return Properties(packet_type)  # type: ignore[no-untyped-call]
