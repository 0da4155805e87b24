"""Test support against real parts: brokers, servers and a browser, found or started."""
