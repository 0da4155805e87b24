"""The contract of NOVA: events, addresses, protocol messages, clients and transports."""
