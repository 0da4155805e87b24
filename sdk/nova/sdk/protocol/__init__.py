"""The protocol: every message between clients, edge and Core, and the JSON Schema of them."""
