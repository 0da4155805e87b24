"""Transports: how events travel from producers to a Core, whatever carries them."""
