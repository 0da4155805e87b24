"""The client: one connection to an edge or a Core, requests, streams and downloads."""
