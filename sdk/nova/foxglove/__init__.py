"""A gateway that shows a NOVA in Foxglove and Lichtblick, by their WebSocket protocol."""
