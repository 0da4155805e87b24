"""The hardware service: a host that turns device plug-ins into producers that answer commands."""
