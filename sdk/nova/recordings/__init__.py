"""Recordings of others, read into envelopes: CCSDS, NMEA, CSV, JSON lines."""
