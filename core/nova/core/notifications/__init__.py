"""Notifications: who is notified of which alarms and when, and the process that sends messages."""
