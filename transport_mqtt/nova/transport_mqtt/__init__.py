"""The MQTT transport, for brokers of MQTT 5, and the devices that publish plain values to them."""
