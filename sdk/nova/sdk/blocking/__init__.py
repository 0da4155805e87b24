"""The producer and the client for programs without an event loop."""
