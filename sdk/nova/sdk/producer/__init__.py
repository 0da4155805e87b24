"""The producer: observations become events and reach a transport."""
