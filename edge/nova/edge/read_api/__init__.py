"""The HTTP read API, `/api/v1`: each route sends one message of the protocol."""
