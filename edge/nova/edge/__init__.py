"""The edge: authenticates people and programs, forwards to a reader, serves the web UI."""
