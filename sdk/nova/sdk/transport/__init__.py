"""Transports: delivery of events from producers to a Core."""
